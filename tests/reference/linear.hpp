// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <vector>

namespace kyrtos::reference {

/// y = x Wᵀ + b with θ = (W [out, in], b [out])
struct Linear {
  std::size_t in, out;
  bool bias;

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& x,
                            std::vector<T> const& theta) const {
    auto const rows = static_cast<std::size_t>(shape.tokens());
    std::vector<T> y(rows * out);
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t j = 0; j < out; ++j) {
        y[i * out + j] = bias ? theta[out * in + j] : T(0);
        for (std::size_t k = 0; k < in; ++k) y[i * out + j] += x[i * in + k] * theta[j * in + k];
      }
    return y;
  }
};

}  // namespace kyrtos::reference
