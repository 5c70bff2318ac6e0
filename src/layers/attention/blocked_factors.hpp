// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
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

/// f(factors) with the ones that a context's products are of.
template <class Scalar, class Space, class F>
void with_factors(Context<Space> const& context, F const& f) {
  if constexpr (std::is_same_v<Scalar, float>)
    if (auto const* const products = context.products())
      return products->format() == linalg::FactorFormat::bfloat16 ? f(Bfloat16Factors())
                                                                  : f(Tf32Factors());
  f(ExactFactors<Scalar>());
}

}  // namespace kyrtos::layers::attention
