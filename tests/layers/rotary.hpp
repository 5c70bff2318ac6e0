// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/rotary.hpp>

#include "../reference/rotary.hpp"
#include "check_layer.hpp"

#include <algorithm>
#include <catch2/generators/catch_generators.hpp>

namespace kyrtos::testing {

TEST_CASE("rotary positions", "[rotary]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  Index const head_size = GENERATE(2, 6, 16), kv_heads = GENERATE(1, 2);
  auto const shape = GENERATE(SequenceShape{1, 1}, SequenceShape{3, 5}, SequenceShape{2, 70});
  layers::Rotary<Scalar, Space> const layer({2, kv_heads, head_size, 500.0});
  check_layer<Scalar>(layer, shape,
                      reference::Rotary{2, static_cast<std::size_t>(kv_heads),
                                        static_cast<std::size_t>(head_size), 500.0});
}

TEST_CASE("rotary positions of some features, at lower frequencies", "[rotary]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  using Kind = layers::RotaryScaling::Kind;
  auto const kind = GENERATE(Kind::none, Kind::linear, Kind::llama3, Kind::yarn);
  Index const features = GENERATE(2, 8);
  // With these turns there are frequencies of all three kinds: kept, on the ramp, divided.
  layers::RotaryScaling const scaling{
      .kind = kind, .factor = 8, .context = 60, .slow = 0.7, .fast = 4};
  layers::Rotary<Scalar, Space> const layer({2, 1, 11, 500.0, features, scaling});
  check_layer<Scalar>(
      layer, {2, 37},
      reference::Rotary{2, 1, 11, 500.0, static_cast<std::size_t>(features), scaling});
}

TEST_CASE("scaled rotary positions keep fast pairs and slow down the others", "[rotary]") {
  using Kind = layers::RotaryScaling::Kind;
  layers::RotaryScaling scaling{.kind = Kind::llama3, .factor = 8, .context = 8192};
  reference::Rotary const llama{1, 1, 128, 5e5, 0, scaling}, plain{1, 1, 128, 5e5};
  CHECK(llama.frequency(0) == plain.frequency(0));
  CHECK(std::abs(8 * llama.frequency(63) / plain.frequency(63) - 1) < 1e-12);
  scaling.kind = Kind::yarn;
  CHECK(scaling.resolved().fast == 32);
  CHECK(std::abs(scaling.resolved().amplitude - 1.2079441541679836) < 1e-15);
}

TEST_CASE("rotary positions stay exact in long sequences", "[rotary]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  Index const length = 20'000;
  layers::Rotary<Scalar, Space> const layer({1, 1, 2, 10000.0});
  Context<Space> const context(MPI_COMM_SELF);
  Vector<Scalar, Space> x("x", static_cast<std::size_t>(6 * length));
  Kokkos::deep_copy(x, Scalar(1));
  auto const m = as_matrix(x, 0, length, 6);
  layer.forward(context, {}, {{1, length}, m, m, {}});
  context.fence("test");
  auto const y = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), x);
  double worst = 0;
  for (Index t = 0; t < length; ++t) {
    double const angle = static_cast<double>(t);
    auto const found = static_cast<double>(y(static_cast<std::size_t>(6 * t)));
    worst = std::max(worst, std::abs(found - (std::cos(angle) - std::sin(angle))));
  }
  CHECK(worst < (std::is_same_v<Scalar, double> ? 1e-13 : 3e-7));
}

TEST_CASE("rotary positions refuse odd heads", "[rotary]") {
  using Layer = layers::Rotary<KYRTOS_TEST_SCALAR, Space>;
  CHECK_THROWS_AS(Layer({2, 2, 7}), ConfigError);
  CHECK_THROWS_AS(Layer({2, 2, 8, -1.0}), ConfigError);
  CHECK_THROWS_AS(Layer({2, 2, 8, 1e4, 3}), ConfigError);
  CHECK_THROWS_AS(Layer({2, 2, 8, 1e4, 10}), ConfigError);
  using Kind = layers::RotaryScaling::Kind;
  CHECK_THROWS_AS(Layer({2, 2, 8, 1e4, 0, {.kind = Kind::linear, .factor = 0.5}}), ConfigError);
  CHECK_THROWS_AS(Layer({2, 2, 8, 1e4, 0, {.kind = Kind::llama3, .factor = 2}}), ConfigError);
}

}  // namespace kyrtos::testing
