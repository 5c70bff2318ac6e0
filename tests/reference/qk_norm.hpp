// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cmath>
#include <vector>

namespace kyrtos::reference {

/// y = w∘x/√(mean of x² + ε) for each q and k head of packed rows, θ = (w of q, w of k).
struct QkNorm {
  std::size_t heads, kv_heads, head_size;
  double epsilon;

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& x,
                            std::vector<T> const& theta) const {
    using std::sqrt;
    std::size_t const row = (heads + 2 * kv_heads) * head_size;
    std::vector<T> y = x;
    for (std::size_t token = 0; token < static_cast<std::size_t>(shape.tokens()); ++token)
      for (std::size_t head = 0; head < heads + kv_heads; ++head) {
        T const* const in = &x[token * row + head * head_size];
        T const* const weight = &theta[head < heads ? 0 : head_size];
        T square(0);
        for (std::size_t d = 0; d < head_size; ++d)
          square += in[d] * in[d] / T(static_cast<double>(head_size));
        for (std::size_t d = 0; d < head_size; ++d)
          y[token * row + head * head_size + d] = weight[d] * in[d] / sqrt(square + T(epsilon));
      }
    return y;
  }
};

}  // namespace kyrtos::reference
