// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cmath>
#include <vector>

namespace kyrtos::reference {

/// y = w∘x/√(mean of x² + ε) for each q and k head of packed rows, or for all q heads as one and
/// all k heads as one; θ = (w of q, w of k).
struct QkNorm {
  std::size_t heads, kv_heads, head_size;
  double epsilon;
  bool all_heads = false;

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& x,
                            std::vector<T> const& theta) const {
    using std::sqrt;
    std::size_t const row = (heads + 2 * kv_heads) * head_size;
    std::size_t const query = (all_heads ? heads : 1) * head_size,
                      key = (all_heads ? kv_heads : 1) * head_size;
    std::vector<T> y = x;
    for (std::size_t token = 0; token < static_cast<std::size_t>(shape.tokens()); ++token)
      for (std::size_t at = 0; at < (heads + kv_heads) * head_size;) {
        bool const is_query = at < heads * head_size;
        std::size_t const size = is_query ? query : key;
        T const* const in = &x[token * row + at];
        T const* const weight = &theta[is_query ? 0 : query];
        T square(0);
        for (std::size_t d = 0; d < size; ++d)
          square += in[d] * in[d] / T(static_cast<double>(size));
        for (std::size_t d = 0; d < size; ++d)
          y[token * row + at + d] = weight[d] * in[d] / sqrt(square + T(epsilon));
        at += size;
      }
    return y;
  }
};

}  // namespace kyrtos::reference
