// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cmath>
#include <vector>

namespace kyrtos::reference {

/// Features i and i + D/2 of the q and k heads of packed rows, turned by t·base^(-2i/D).
struct Rotary {
  std::size_t heads, kv_heads, head_size;
  double base;

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& x,
                            std::vector<T> const& /*theta*/) const {
    auto const length = static_cast<std::size_t>(shape.length);
    std::size_t const row = (heads + 2 * kv_heads) * head_size, half = head_size / 2;
    std::vector<T> y = x;
    for (std::size_t token = 0; token < static_cast<std::size_t>(shape.tokens()); ++token)
      for (std::size_t head = 0; head < heads + kv_heads; ++head)
        for (std::size_t i = 0; i < half; ++i) {
          std::size_t const at = token * row + head * head_size + i;
          double const angle =
              static_cast<double>(token % length) *
              std::pow(base, -2.0 * static_cast<double>(i) / static_cast<double>(head_size));
          T const c(std::cos(angle)), s(std::sin(angle));
          y[at] = c * x[at] - s * x[at + half];
          y[at + half] = c * x[at + half] + s * x[at];
        }
    return y;
  }
};

}  // namespace kyrtos::reference
