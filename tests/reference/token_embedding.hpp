// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <vector>

namespace kyrtos::reference {

/// y(b, t) = E[token(b, t)] + P[t] with θ = (E [vocabulary, width], P [positions, width]); without
/// the second for `positions` = 0.
struct TokenEmbedding {
  std::size_t vocabulary, width, positions;
  std::vector<Token> tokens;

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& theta) const {
    auto const length = static_cast<std::size_t>(shape.length);
    std::vector<T> y;
    for (std::size_t i = 0; i < tokens.size(); ++i)
      for (std::size_t j = 0; j < width; ++j) {
        y.push_back(theta[static_cast<std::size_t>(tokens[i]) * width + j]);
        if (positions > 0) y.back() += theta[(vocabulary + i % length) * width + j];
      }
    return y;
  }
};

}  // namespace kyrtos::reference
