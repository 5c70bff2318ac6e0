// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cmath>
#include <vector>

namespace kyrtos::reference {

/// y = softmax(c tanh(QKᵀ/(c√D))) V per head, over the keys that a query sees, from packed rows [q
/// heads | k heads | v heads]; query head h reads key head h / (heads/kv_heads).
struct Attention {
  std::size_t heads, kv_heads, head_size;
  bool causal;
  double soft_cap;         ///< c; 0: scores as they are
  std::size_t window = 0;  ///< W: query i sees the keys j with i - j < W; 0: all

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& x,
                            std::vector<T> const& /*theta*/) const {
    using std::exp, std::tanh;
    auto const batch = static_cast<std::size_t>(shape.batch);
    auto const length = static_cast<std::size_t>(shape.length);
    std::size_t const row = (heads + 2 * kv_heads) * head_size;
    T const scale(1 / std::sqrt(static_cast<double>(head_size)));
    std::vector<T> y(batch * length * heads * head_size, T(0));
    for (std::size_t b = 0; b < batch; ++b)
      for (std::size_t h = 0; h < heads; ++h)
        for (std::size_t i = 0; i < length; ++i) {
          std::size_t const kv_head = h / (heads / kv_heads);
          T const* const q = &x[(b * length + i) * row + h * head_size];
          T* const out = &y[((b * length + i) * heads + h) * head_size];
          std::size_t const first = window > 0 && i + 1 > window ? i + 1 - window : 0;
          std::size_t const seen = (causal ? i + 1 : length) - first;
          auto const key = [&](std::size_t j) {
            return &x[(b * length + first + j) * row + (heads + kv_head) * head_size];
          };
          auto const value = [&](std::size_t j) {
            return &x[(b * length + first + j) * row + (heads + kv_heads + kv_head) * head_size];
          };

          std::vector<T> score(seen, T(0));
          for (std::size_t j = 0; j < seen; ++j) {
            for (std::size_t d = 0; d < head_size; ++d) score[j] += scale * q[d] * key(j)[d];
            if (soft_cap > 0) score[j] = T(soft_cap) * tanh(score[j] / T(soft_cap));
          }
          T greatest = score[0];
          for (T const& s : score) greatest = greatest < s ? s : greatest;
          T sum(0);
          for (T const& s : score) sum += exp(s - greatest);
          for (std::size_t j = 0; j < seen; ++j)
            for (std::size_t d = 0; d < head_size; ++d)
              out[d] += exp(score[j] - greatest) / sum * value(j)[d];
        }
    return y;
  }
};

}  // namespace kyrtos::reference
