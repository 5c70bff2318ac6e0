// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/curvature/detail/vector_set.hpp>

#include "operation.hpp"

namespace kyrtos::bench {

/// Parameters of a layer.
inline Index size_of(std::vector<SegmentSpec> const& segments) {
  ParameterLayout layout;
  return layout.append("layer", segments).size;
}

/// A vector of standard normal numbers: zeros would be multiplied faster on some machines.
inline Vector<float, Space> random_vector(Context<Space> const& context, std::string const& name,
                                          Index size, std::uint64_t seed) {
  auto const v = allocate<float>(context, "bench::" + name, size);
  curvature::detail::fill_normal(context, v, Philox{seed, 0x70657266});
  return v;
}

/// Arbitrary tokens below the vocabulary.
inline Vector<Token, Space> random_tokens(Context<Space> const& context, Index size,
                                          Index vocabulary) {
  auto const v = allocate<Token>(context, "bench::tokens", size);
  Philox const random{1, 0x746f6b73};
  auto const range = static_cast<std::uint64_t>(vocabulary);
  linalg::detail::for_each(
      context, "kyrtos::bench::random_tokens", size, KOKKOS_LAMBDA(Index i) {
        v(i) = static_cast<Token>(random.bits(static_cast<std::uint64_t>(i)) % range);
      });
  return v;
}

}  // namespace kyrtos::bench
