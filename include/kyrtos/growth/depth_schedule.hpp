// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/growth/growth_config.hpp>
#include <kyrtos/optim/schedule.hpp>

#include <optional>
#include <vector>

namespace kyrtos::growth {

/// Decides, before each step, how many blocks take part in it.
class DepthSchedule {
 public:
  /// \throws ConfigError when the configuration contradicts itself or the learning rate's.
  DepthSchedule(GrowthConfig const& config, Index depth, optim::LearningRate const& rate);

  Index initial_depth() const { return initial_depth_; }

  /// The depth for `step` (from 0), never less than `present`.
  /// \param threshold_ratio λη over the threshold after the step before, where it is known.
  Index depth_for(Index step, Index present, std::optional<double> threshold_ratio);

  /// Consecutive calm steps, which a restart needs (curvature only).
  Index calm_steps() const { return calm_steps_; }
  void restore(Index calm_steps) { calm_steps_ = calm_steps; }

 private:
  Index depth_after(Index groups) const;
  Index groups_by_step(Index step) const;

  GrowthConfig config_;
  Index depth_, initial_depth_;
  optim::LearningRate rate_;
  Index calm_steps_ = 0;
};

/// All blocks in the order in which they join; the first `initial_depth` are there from the start.
std::vector<Index> joining_order(GrowthConfig::Where where, Index initial_depth, Index depth);

}  // namespace kyrtos::growth
