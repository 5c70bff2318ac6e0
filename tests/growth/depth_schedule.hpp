// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/growth/depth_schedule.hpp>

#include <catch2/catch_test_macros.hpp>
#include <vector>

// When blocks join, and in which order.

namespace kyrtos::testing {

using growth::DepthSchedule;
using growth::joining_order;
using When = growth::GrowthConfig::When;
using Where = growth::GrowthConfig::Where;

inline optim::LearningRate some_rate() {
  return {.peak = 1, .warmup_steps = 20, .total_steps = 120, .decay = optim::Decay::linear};
}

/// The steps at which the depth changes, and to what.
inline std::vector<std::pair<Index, Index>> changes(growth::GrowthConfig const& config, Index depth,
                                                    optim::LearningRate const& rate = some_rate()) {
  DepthSchedule schedule(config, depth, rate);
  std::vector<std::pair<Index, Index>> found;
  Index present = schedule.initial_depth();
  for (Index step = 0; step < 200; ++step) {
    Index const next = schedule.depth_for(step, present, 0.9);
    if (next != present) found.push_back({step, next});
    present = next;
  }
  return found;
}

TEST_CASE("groups join at fixed steps", "[depth_schedule]") {
  using Changes = std::vector<std::pair<Index, Index>>;
  growth::GrowthConfig config{
      .initial_depth = 2, .when = When::steps, .groups = 3, .start = 10, .every = 30};
  CHECK(changes(config, 8) == Changes{{10, 4}, {40, 6}, {70, 8}});
  CHECK(changes(config, 6) == Changes{{10, 3}, {40, 4}, {70, 6}});
  // More groups than blocks: some bring none.
  CHECK(changes(config, 3) == Changes{{70, 3}});
}

TEST_CASE("the paper's schedule starts with half when the warm-up ends", "[depth_schedule]") {
  using Changes = std::vector<std::pair<Index, Index>>;
  growth::GrowthConfig config{.when = When::warmup, .groups = 4, .every = 25};
  CHECK(DepthSchedule(config, 8, some_rate()).initial_depth() == 4);
  CHECK(DepthSchedule(config, 7, some_rate()).initial_depth() == 4);
  CHECK(changes(config, 8) == Changes{{20, 5}, {45, 6}, {70, 7}, {95, 8}});
}

TEST_CASE("groups join as the learning rate decays", "[depth_schedule]") {
  using Changes = std::vector<std::pair<Index, Index>>;
  growth::GrowthConfig config{.when = When::decay, .groups = 4};
  // Linear over 100 steps after a warm-up of 20: fifths of the way.
  CHECK(changes(config, 8) == Changes{{40, 5}, {60, 6}, {80, 7}, {100, 8}});
  auto constant = some_rate();
  constant.decay = optim::Decay::constant;
  CHECK_THROWS_AS(DepthSchedule(config, 8, constant), ConfigError);
}

TEST_CASE("the controller waits for calm, and a surge starts it over", "[depth_schedule]") {
  growth::GrowthConfig const config{
      .initial_depth = 1, .when = When::curvature, .groups = 2, .every = 3, .share = 0.5};
  DepthSchedule schedule(config, 3, some_rate());
  auto const next = [&](Index present, std::optional<double> ratio) {
    return schedule.depth_for(0, present, ratio);
  };
  CHECK(next(1, 0.1) == 1);
  CHECK(next(1, 0.1) == 1);
  CHECK(next(1, 0.6) == 1);  // surge
  CHECK(next(1, 0.1) == 1);
  CHECK(next(1, 0.49) == 1);
  CHECK(next(1, std::nullopt) == 1);  // unknown: neither
  CHECK(schedule.calm_steps() == 2);
  DepthSchedule restarted(config, 3, some_rate());
  restarted.restore(2);
  CHECK(restarted.depth_for(0, 1, 0.1) == 2);
  CHECK(next(1, 0.1) == 2);
  CHECK(next(2, 0.1) == 2);  // calm counts from the growth on
  CHECK(next(2, 0.1) == 2);
  CHECK(next(2, 0.1) == 3);
  CHECK(next(3, 0.1) == 3);
}

TEST_CASE("without growth nothing changes", "[depth_schedule]") {
  CHECK(changes({.when = When::never}, 5).empty());
  CHECK(DepthSchedule({.when = When::never}, 5, some_rate()).initial_depth() == 5);
  CHECK(DepthSchedule({.initial_depth = 2}, 5, some_rate()).initial_depth() == 2);
}

TEST_CASE("blocks join in the order asked for", "[depth_schedule]") {
  using Order = std::vector<Index>;
  CHECK(joining_order(Where::append, 2, 5) == Order{0, 1, 2, 3, 4});
  CHECK(joining_order(Where::stack, 2, 5) == Order{0, 1, 2, 3, 4});
  CHECK(joining_order(Where::interleave, 3, 6) == Order{0, 2, 4, 1, 3, 5});
  CHECK(joining_order(Where::spread, 2, 8) == Order{0, 4, 7, 2, 1, 3, 5, 6});
  CHECK(joining_order(Where::spread, 1, 5) == Order{0, 4, 2, 1, 3});
}

TEST_CASE("contradictions are refused", "[depth_schedule]") {
  CHECK_THROWS_AS(DepthSchedule({.initial_depth = 6}, 5, some_rate()), ConfigError);
  growth::GrowthConfig const stacked_zeros{.where = Where::stack};
  CHECK_THROWS_AS(DepthSchedule(stacked_zeros, 5, some_rate()), ConfigError);
}

}  // namespace kyrtos::testing
