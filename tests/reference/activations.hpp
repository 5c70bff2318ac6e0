// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cmath>
#include <vector>

namespace kyrtos::reference {

/// GELU: x Φ(x), or its tanh approximation.
struct Gelu {
  bool exact;

  template <class T>
  std::vector<T> operator()(SequenceShape, std::vector<T> x, std::vector<T> const&) const {
    using std::erf, std::tanh, std::sqrt;
    for (T& v : x) {
      T const inner = exact ? erf(v / T(std::sqrt(2.0)))
                            : tanh(T(std::sqrt(2 / M_PI)) * (v + T(0.044715) * v * v * v));
      v = T(0.5) * v * (T(1) + inner);
    }
    return x;
  }
};

/// y = g/(1 + e^-g)·v for rows x = [g | v]
struct SwiGlu {
  std::size_t features;

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& x,
                            std::vector<T> const&) const {
    using std::exp;
    auto const rows = static_cast<std::size_t>(shape.tokens());
    std::vector<T> y(rows * features);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < features; ++j) {
        T const g = x[i * 2 * features + j], v = x[i * 2 * features + features + j];
        y[i * features + j] = g / (T(1) + exp(-g)) * v;
      }
    return y;
  }
};

}  // namespace kyrtos::reference
