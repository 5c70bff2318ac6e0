// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

/// \file
/// \brief Sums over the D features of one head, the work of one thread.

namespace kyrtos::layers::detail {

/// Σ f(d) for d in [0, n). Eight independent partial sums: the order is fixed, and compilers may
/// vectorise it.
template <class T, class F>
KOKKOS_FORCEINLINE_FUNCTION T sum_over(int n, F const& f) {
  constexpr int width = 8;
  T partial[width] = {};
  int d = 0;
  for (; d + width <= n; d += width)
    for (int k = 0; k < width; ++k) partial[k] += f(d + k);
  for (int k = 0; d + k < n; ++k) partial[k] += f(d + k);
  T total = 0;
  for (int k = 0; k < width; ++k) total += partial[k];
  return total;
}

}  // namespace kyrtos::layers::detail
