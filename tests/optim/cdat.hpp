// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/optim/cdat.hpp>

#include <catch2/catch_approx.hpp>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

namespace kyrtos::testing {

using optim::Cdat;

TEST_CASE("CDAT finds the bottom of a parabola, and its other side", "[cdat]") {
  double const curvature = 6;  // f(x) = 3 x², from x = 5 along u = -g
  double const x = 5, g = curvature * x;
  for (double const scale : {1.0, 2.0}) {
    Cdat cdat({.scale = scale});
    for (int i = 0; i < 3; ++i) {  // means of equal numbers
      double const rate = cdat.rate(g * g, g * g * curvature);
      CHECK(x - rate * g == Catch::Approx(scale == 1 ? 0 : -x).margin(1e-12));
    }
  }
}

TEST_CASE("CDAT smooths both terms, and neither goes below zero", "[cdat]") {
  Cdat cdat({.scale = 1, .smoothing = 0.5});
  CHECK(std::isinf(cdat.rate(1, 0)));
  CHECK(cdat.rate(3, 4) == Catch::Approx((0.25 + 1.5) / 2));
  CHECK(cdat.rate(-10, -8) == Catch::Approx(0.875 / (1 + 4)));
}

TEST_CASE("CDAT passes over what is not finite, and goes on from a state", "[cdat]") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  Cdat cdat({.scale = 2});
  double const rate = cdat.rate(1, 2);
  CHECK(cdat.rate(nan, 1) == rate);
  CHECK(cdat.rate(1, nan) == rate);
  Cdat other({.scale = 2});
  other.restore(cdat.state());
  CHECK(other.rate(5, 7) == cdat.rate(5, 7));
}

}  // namespace kyrtos::testing
