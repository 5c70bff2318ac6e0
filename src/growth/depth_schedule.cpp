// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/growth/depth_schedule.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace kyrtos::growth {

namespace {

using When = GrowthConfig::When;
using Where = GrowthConfig::Where;

Index initial_depth_of(GrowthConfig const& config, Index depth) {
  if (config.initial_depth > 0) return config.initial_depth;
  return config.when == When::never ? depth : (depth + 1) / 2;
}

}  // namespace

DepthSchedule::DepthSchedule(GrowthConfig const& config, Index depth,
                             optim::LearningRate const& rate)
    : config_(config), depth_(depth), initial_depth_(initial_depth_of(config, depth)), rate_(rate) {
  require<ConfigError>(initial_depth_ <= depth, "growth.initial_depth must not exceed model.depth");
  require<ConfigError>(config.when != When::decay || rate.decay != optim::Decay::constant,
                       "growth.when = \"decay\" needs a learning rate that decays: set "
                       "schedule.decay to \"cosine\" or \"linear\"");
  require<ConfigError>(
      config.where != Where::stack || config.entry != GrowthConfig::Entry::zeros,
      "growth.where = \"stack\" copies weights, which growth.entry = \"zeros\" would erase: choose "
      "\"projections\" or \"gate\"");
}

/// Groups are as even as they divide.
Index DepthSchedule::depth_after(Index groups) const {
  return initial_depth_ + (depth_ - initial_depth_) * groups / config_.groups;
}

Index DepthSchedule::groups_by_step(Index step) const {
  if (config_.when == When::decay) {
    if (step < rate_.warmup_steps || rate_.floor >= 1) return 0;
    double const fallen = (1 - rate_.at(step) / rate_.peak) / (1 - rate_.floor);
    constexpr double rounding = 1e-9;  // so that k/n of the way, computed, is not short of it
    return static_cast<Index>(fallen * static_cast<double>(config_.groups + 1) + rounding);
  }
  Index const start = config_.when == When::steps ? config_.start : rate_.warmup_steps;
  return step < start ? 0 : 1 + (step - start) / std::max<Index>(config_.every, 1);
}

Index DepthSchedule::depth_for(Index step, Index present, std::optional<double> threshold_ratio) {
  if (config_.when == When::never || present >= depth_) return present;
  if (config_.when != When::curvature)
    return std::max(present, depth_after(std::min(groups_by_step(step), config_.groups)));
  // An unknown ratio is neither calm nor a surge.
  if (threshold_ratio) calm_steps_ = *threshold_ratio < config_.share ? calm_steps_ + 1 : 0;
  if (calm_steps_ < config_.every) return present;
  calm_steps_ = 0;
  Index groups = 1;
  while (depth_after(groups) <= present) ++groups;
  return depth_after(groups);
}

std::vector<Index> joining_order(Where where, Index initial_depth, Index depth) {
  std::vector<Index> order;
  if (where == Where::append || where == Where::stack) {
    order.resize(static_cast<std::size_t>(depth));
    std::iota(order.begin(), order.end(), Index{0});
    return order;
  }
  for (Index i = 0; i < initial_depth; ++i) order.push_back(i * depth / initial_depth);
  auto const distance = [&](Index block) {
    Index nearest = std::numeric_limits<Index>::max();
    for (Index const other : order) nearest = std::min(nearest, std::abs(block - other));
    return nearest;
  };
  while (static_cast<Index>(order.size()) < depth) {
    Index next = -1;
    for (Index block = 0; block < depth; ++block) {
      if (distance(block) == 0) continue;
      bool const is_first = next < 0;
      if (is_first || (where == Where::spread && distance(block) > distance(next))) next = block;
    }
    order.push_back(next);
  }
  return order;
}

}  // namespace kyrtos::growth
