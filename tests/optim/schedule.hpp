// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/optim/schedule.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cmath>

namespace kyrtos::testing {

TEST_CASE("learning rates at their corners", "[schedule]") {
  using optim::Decay;
  optim::LearningRate rate{.peak = 2, .warmup_steps = 4, .total_steps = 14, .floor = 0.1};
  for (Decay const decay : {Decay::constant, Decay::linear, Decay::cosine}) {
    rate.decay = decay;
    CHECK(rate.at(0) == 0.5);
    CHECK(rate.at(3) == 2);
    CHECK(rate.at(4) == 2);
    double const end = decay == Decay::constant ? 2.0 : 0.2;
    CHECK(std::abs(rate.at(14) - end) < 1e-15);
    CHECK(std::abs(rate.at(1000) - end) < 1e-15);
    double const middle = decay == Decay::constant ? 2.0 : 1.1;
    CHECK(std::abs(rate.at(9) - middle) < 1e-15);
  }
  // Warm-up, stable, decay: at the peak until the last four steps.
  optim::LearningRate stable{
      .peak = 2, .warmup_steps = 4, .total_steps = 14, .decay_steps = 4, .decay = Decay::linear};
  CHECK(stable.at(1) == 1);
  for (Index step = 3; step <= 10; ++step) CHECK(stable.at(step) == 2);
  CHECK(std::abs(stable.at(12) - 1) < 1e-15);
  CHECK(stable.at(14) == 0);
  stable.decay_steps = 100;  // longer than there is room for: right after the warm-up
  CHECK(std::abs(stable.at(9) - 1) < 1e-15);
  CHECK(optim::LearningRate{.peak = 3, .total_steps = 10}.at(0) == 3);
}

}  // namespace kyrtos::testing
