// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "tests/layers/layer_passes.hpp"
#include "tests/support/dual.hpp"

namespace kyrtos::perf {

/// The largest error of the four passes of a layer without parameters: of y and ẏ relative to their
/// norms; of dx and dẋ that of their components along a random δ, which the reference of the tests
/// gives on dual numbers at x + ε₁ẋ + ε₂δ, relative to ‖·‖‖δ‖/√n.
template <class Reference>
double largest_error(Context<testing::Space> const& context,
                     layers::Layer<float, testing::Space> const& layer, SequenceShape shape,
                     Reference const& reference) {
  using namespace testing;
  auto const n = static_cast<std::size_t>(shape.tokens() * layer.in_features());
  auto const m = static_cast<std::size_t>(shape.tokens() * layer.out_features());
  auto const numbers = [](std::size_t size, std::uint64_t seed) {
    return random_numbers<float>(size, seed);
  };
  LayerInputs const in{numbers(n, 1), {}, numbers(n, 2), {}, numbers(m, 5), numbers(m, 6)};
  auto const delta = numbers(n, 7);
  auto const out = LayerPasses<float>(context, layer, shape, in, {}).run();

  std::vector<Dual2> x;
  for (std::size_t i = 0; i < n; ++i) x.push_back(seed(in.x[i], in.x_dot[i], delta[i]));
  auto const f = reference(shape, x, std::vector<Dual2>());
  Numbers y, y_dot;
  double first = 0, second = 0;
  for (std::size_t i = 0; i < m; ++i) {
    y.push_back(number(f[i]));
    y_dot.push_back(along_first(f[i]));
    first += in.dy[i] * along_second(f[i]);
    second += in.dy_dot[i] * along_second(f[i]) + in.dy[i] * along_both(f[i]);
  }
  auto const along = [&](Numbers const& dx, double slope) {
    double const size = norm(dx) * norm(delta) / std::sqrt(static_cast<double>(n));
    return std::abs(dot(dx, delta) - slope) / size;
  };
  return std::max({distance(out.y, y) / norm(y), distance(out.y_dot, y_dot) / norm(y_dot),
                   along(out.dx, first), along(out.dx_dot, second)});
}

}  // namespace kyrtos::perf
