// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <vector>

namespace kyrtos::reference {

/// y(b, t) = f(b, t) Wᵀ + b + P[t] with θ = (W [width, features], b [width], P [positions, width]);
/// without the last for `positions` = 0.
struct LinearEmbedding {
  std::size_t features, width, positions;
  std::vector<double> fields;

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& theta) const {
    auto const rows = static_cast<std::size_t>(shape.tokens());
    auto const length = static_cast<std::size_t>(shape.length);
    std::size_t const bias = width * features, position = bias + width;
    std::vector<T> y;
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < width; ++j) {
        y.push_back(theta[bias + j]);
        if (positions > 0) y.back() += theta[position + i % length * width + j];
        for (std::size_t k = 0; k < features; ++k)
          y.back() += T(fields[i * features + k]) * theta[j * features + k];
      }
    return y;
  }
};

}  // namespace kyrtos::reference
