// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>
#include <kyrtos/layers/rotary_scaling.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace kyrtos::reference {

/// Features i and i + R/2 of the q and k heads of packed rows, turned by t·f(i), with f =
/// base^(-2i/R) scaled as layers/rotary_scaling.hpp says.
struct Rotary {
  std::size_t heads, kv_heads, head_size;
  double base;
  std::size_t features = 0;  ///< R; 0: all
  layers::RotaryScaling scaling = {};

  double frequency(std::size_t i) const {
    using Kind = layers::RotaryScaling::Kind;
    auto const s = scaling.resolved();
    double const half = static_cast<double>(features > 0 ? features : head_size) / 2,
                 pair = static_cast<double>(i);
    double const f = std::pow(base, -pair / half), turns = s.context * f / (2 * M_PI);
    double share = 1;  // of f that stays
    if (s.kind == Kind::linear) share = 0;
    if (s.kind == Kind::llama3) share = (turns - s.slow) / (s.fast - s.slow);
    if (s.kind == Kind::yarn) {
      // base^(-i/half)·context/2π = n, solved for i
      auto const pair_of = [&](double n) {
        return half * std::log(s.context / (2 * M_PI * n)) / std::log(base);
      };
      double const first = std::max(0.0, std::floor(pair_of(s.fast)));
      double last = std::min(2 * half - 1, std::ceil(pair_of(s.slow)));
      if (last == first) last += 0.001;
      share = 1 - (pair - first) / (last - first);
    }
    share = std::min(1.0, std::max(0.0, share));
    return share * f + (1 - share) * f / s.factor;
  }

  template <class T>
  std::vector<T> operator()(SequenceShape shape, std::vector<T> const& x,
                            std::vector<T> const& /*theta*/) const {
    auto const length = static_cast<std::size_t>(shape.length);
    std::size_t const row = (heads + 2 * kv_heads) * head_size,
                      half = (features > 0 ? features : head_size) / 2;
    std::vector<T> y = x;
    for (std::size_t token = 0; token < static_cast<std::size_t>(shape.tokens()); ++token)
      for (std::size_t head = 0; head < heads + kv_heads; ++head)
        for (std::size_t i = 0; i < half; ++i) {
          std::size_t const at = token * row + head * head_size + i;
          double const angle = static_cast<double>(token % length) * frequency(i);
          double const amplitude = scaling.resolved().amplitude;
          T const c(amplitude * std::cos(angle)), s(amplitude * std::sin(angle));
          y[at] = c * x[at] - s * x[at + half];
          y[at + half] = c * x[at + half] + s * x[at];
        }
    return y;
  }
};

}  // namespace kyrtos::reference
