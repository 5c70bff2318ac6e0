// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "layers/layer_passes.hpp"
#include "support/dual.hpp"

namespace kyrtos::bench {

/// The largest error of the four passes of a layer: of y and ẏ relative to their norms; of (dx, dθ)
/// and (dẋ, Hu) that of their components along a random δ, which the reference of the tests gives
/// on dual numbers at (x, θ) + ε₁(ẋ, u) + ε₂δ, relative to ‖·‖‖δ‖/√n.
template <class Reference>
double largest_error(Context<testing::Space> const& context,
                     layers::Layer<float, testing::Space> const& layer, SequenceShape shape,
                     Reference const& reference) {
  using namespace testing;
  auto const numbers = [](Index size, std::uint64_t seed) {
    return random_numbers<float>(static_cast<std::size_t>(size), seed);
  };
  Index const n = shape.tokens() * layer.in_features(), m = shape.tokens() * layer.out_features();
  Index parameters = 0;
  for (auto const& segment : layer.parameters()) {
    Index size = 1;
    for (Index const extent : segment.shape) size *= extent;
    parameters += size;
  }
  LayerInputs const in{numbers(n, 1),          numbers(parameters, 3), numbers(n, 2),
                       numbers(parameters, 4), numbers(m, 5),          numbers(m, 6)};
  auto const delta_x = numbers(n, 7), delta_theta = numbers(parameters, 8);
  auto const out = LayerPasses<float>(context, layer, shape, in, {}).run();

  std::vector<Dual2> x, theta;
  for (std::size_t i = 0; i < in.x.size(); ++i) x.push_back(seed(in.x[i], in.x_dot[i], delta_x[i]));
  for (std::size_t i = 0; i < in.theta.size(); ++i)
    theta.push_back(seed(in.theta[i], in.u[i], delta_theta[i]));
  auto const f = reference(shape, x, theta);
  Numbers y, y_dot;
  double first = 0, second = 0;
  for (std::size_t i = 0; i < f.size(); ++i) {
    y.push_back(number(f[i]));
    y_dot.push_back(along_first(f[i]));
    first += in.dy[i] * along_second(f[i]);
    second += in.dy_dot[i] * along_second(f[i]) + in.dy[i] * along_both(f[i]);
  }
  auto const delta = joined(delta_x, delta_theta);
  auto const along = [&](Numbers const& v, double slope) {
    double const size = norm(v) * norm(delta) / std::sqrt(static_cast<double>(v.size()));
    return std::abs(dot(v, delta) - slope) / size;
  };
  return std::max({distance(out.y, y) / norm(y), distance(out.y_dot, y_dot) / norm(y_dot),
                   along(joined(out.dx, out.dtheta), first),
                   along(joined(out.dx_dot, out.hu), second)});
}

}  // namespace kyrtos::bench
