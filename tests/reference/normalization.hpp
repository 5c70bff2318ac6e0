// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cmath>
#include <vector>

namespace kyrtos::reference {

/// LayerNorm (centred) or RMSNorm (not), with θ = (w, b) or (w).
struct Normalization {
  std::size_t features;
  double epsilon;
  bool centered, bias;

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& x,
                            std::vector<T> const& theta) const {
    using std::sqrt;
    auto const rows = static_cast<std::size_t>(shape.tokens());
    std::vector<T> y(x.size());
    for (std::size_t i = 0; i < rows; ++i) {
      T const* const row = &x[i * features];
      T mean(0), variance(0);
      if (centered)
        for (std::size_t j = 0; j < features; ++j) mean += row[j] / T(double(features));
      for (std::size_t j = 0; j < features; ++j)
        variance += (row[j] - mean) * (row[j] - mean) / T(double(features));
      for (std::size_t j = 0; j < features; ++j) {
        y[i * features + j] = theta[j] * (row[j] - mean) / sqrt(variance + T(epsilon));
        if (bias) y[i * features + j] += theta[features + j];
      }
    }
    return y;
  }
};

}  // namespace kyrtos::reference
