// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/work.hpp>
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/linalg/rounding.hpp>

/// \file
/// \brief What the factors of blocked attention's products are: of the scalar type, or rounded as
/// the context's products ask for.

namespace kyrtos::layers::attention {

template <class Scalar>
struct ExactFactors {
  using Factor = Scalar;
  KOKKOS_FORCEINLINE_FUNCTION static Factor of(Scalar x) { return x; }
};

struct Tf32Factors {
  using Factor = float;
  KOKKOS_FORCEINLINE_FUNCTION static Factor of(float x) { return linalg::to_tf32(x); }
};

struct Bfloat16Factors {
  using Factor = linalg::Bfloat16;
  KOKKOS_FORCEINLINE_FUNCTION static Factor of(float x) { return linalg::to_bfloat16(x); }
};

/// f(factors) with those that products round to.
template <class Scalar, class F>
void with_factors(std::optional<linalg::FactorFormat> rounded, F const& f) {
  if constexpr (std::is_same_v<Scalar, float>)
    if (rounded)
      return rounded == linalg::FactorFormat::bfloat16 ? f(Bfloat16Factors()) : f(Tf32Factors());
  f(ExactFactors<Scalar>());
}
template <class Scalar, class Space, class F>
void with_factors(Context<Space> const& context, F const& f) {
  with_factors<Scalar>(machine_of(context).factors, f);
}

}  // namespace kyrtos::layers::attention
