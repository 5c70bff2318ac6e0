// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/gate.hpp>

#include "../reference/gate.hpp"
#include "layer_passes.hpp"

#include <catch2/catch_test_macros.hpp>

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;

/// g·v, rounded as the layer rounds it.
inline Numbers times(double g, Numbers v) {
  for (double& x : v) x = static_cast<double>(static_cast<Scalar>(g) * static_cast<Scalar>(x));
  return v;
}

TEST_CASE("a gate scales values, tangents and adjoints by a number that nobody trains", "[gate]") {
  Context<Space> const context(MPI_COMM_SELF);
  layers::Gate<Scalar, Space> const gate(5);
  REQUIRE(gate.parameters().size() == 1);
  CHECK_FALSE(gate.parameters()[0].trained);
  SequenceShape const shape{2, 7};
  for (double const g : {0.0, 0.3, 1.0}) {
    auto const numbers = [](std::uint64_t seed) { return random_numbers<Scalar>(70, seed); };
    double const rounded = static_cast<double>(static_cast<Scalar>(g));
    LayerInputs const in{numbers(1), {rounded}, numbers(2), {0.7}, numbers(3), numbers(4)};
    auto const out = LayerPasses<Scalar>(context, gate, shape, in, {}).run();
    CHECK(out.y == times(rounded, in.x));
    CHECK(out.y_dot == times(rounded, in.x_dot));  // u is not felt
    CHECK(out.dx == times(rounded, in.dy));
    CHECK(out.dx_dot == times(rounded, in.dy_dot));
    CHECK(out.dtheta == Numbers{0});
    CHECK(out.hu == Numbers{0});
    CHECK(near(out.y, reference::Gate()(shape, in.x, in.theta), rounding<Scalar>()));
  }
}

}  // namespace kyrtos::testing
