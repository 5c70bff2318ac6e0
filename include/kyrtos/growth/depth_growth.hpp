// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/growth/depth_schedule.hpp>
#include <kyrtos/growth/new_block.hpp>

#include <functional>
#include <optional>
#include <vector>

namespace kyrtos::growth {

/// When a block joined: what a restart must know of it.
struct BlockStart {
  Index step = 0;          ///< Steps of the optimiser before it joined.
  Index second_began = 0;  ///< Where its second moment began; earlier than `step` if inherited.
};

/// What a restart needs: per block, its start if it takes part; and the controller's memory.
struct GrowthState {
  std::vector<std::optional<BlockStart>> starts;
  Index calm_steps = 0;

  /// Which blocks take part.
  model::ActiveBlocks active() const;
};

/// What an optimiser moves when these blocks take part, each range with its age; `rate_of` gives
/// the share of the learning rate that a block of that start has.
std::vector<optim::ParameterRange> ranges_of(
    ParameterLayout const& layout, std::vector<std::optional<BlockStart>> const& starts,
    std::function<double(BlockStart const&)> const& rate_of = [](BlockStart const&) {
      return 1.0;
    });

/// The blocks of a training run: which take part, since when, and which join next.
template <class Scalar, class Space>
class DepthGrowth {
 public:
  using Parameters = DistributedView<Scalar, Space>;
  using Optimizer = optim::Optimizer<Scalar, Space>;

  /// \param partition of θ and the optimiser's vectors.
  /// \throws ConfigError as DepthSchedule does.
  DepthGrowth(Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
              Partition const& partition, GrowthConfig const& config,
              optim::LearningRate const& rate, std::uint64_t seed);

  model::ActiveBlocks active() const { return state_.active(); }
  Index depth() const;

  /// Before a step (from 0): lets blocks join when it is time, with their parameters and moments,
  /// and sets rates and gates of those that joined lately. The decision is rank 0's. Collective.
  /// \return whether other blocks take part now.
  bool advance(Index step, std::optional<double> threshold_ratio, Parameters theta,
               Optimizer& optimizer);

  /// What the optimiser moves of this rank's vectors, each range with its age.
  std::vector<optim::ParameterRange> ranges(Index optimizer_steps) const;

  GrowthState const& state() const { return state_; }
  /// \throws ConfigError when the state is of another depth.
  void restore(GrowthState state);

 private:
  void join(Index block, Parameters theta, Optimizer& optimizer);
  Index source_for(Index block) const;
  double opening(BlockStart const& start, Index optimizer_steps) const;

  Context<Space> context_;
  model::Transformer<Scalar, Space> const* model_;
  Partition partition_;
  GrowthConfig config_;
  DepthSchedule schedule_;
  std::vector<Index> order_;
  std::uint64_t seed_;
  GrowthState state_;
};

}  // namespace kyrtos::growth
