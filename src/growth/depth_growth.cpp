// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/growth/depth_growth.hpp>

#include <algorithm>
#include <cstdlib>
#include <string>

namespace kyrtos::growth {

model::ActiveBlocks GrowthState::active() const {
  model::ActiveBlocks active;
  for (auto const& start : starts) active.push_back(start.has_value());
  return active;
}

std::vector<optim::ParameterRange> ranges_of(
    ParameterLayout const& layout, std::vector<std::optional<BlockStart>> const& starts,
    std::function<double(BlockStart const&)> const& rate_of) {
  return optim::ranges_of(layout, [&](Segment const& segment) {
    std::optional<optim::ParameterAge> age = optim::ParameterAge();
    for (std::size_t block = 0; block < starts.size(); ++block) {
      if (!segment.name.starts_with("blocks." + std::to_string(block) + ".")) continue;
      auto const& start = starts[block];
      if (!start) return std::optional<optim::ParameterAge>();
      age = optim::ParameterAge{start->step, start->second_began, rate_of(*start)};
    }
    return age;
  });
}

template <class Scalar, class Space>
DepthGrowth<Scalar, Space>::DepthGrowth(Context<Space> const& context,
                                        model::Transformer<Scalar, Space> const& model,
                                        Partition const& partition, GrowthConfig const& config,
                                        optim::LearningRate const& rate, std::uint64_t seed)
    : context_(context),
      model_(&model),
      partition_(partition),
      config_(config),
      schedule_(config, model.config().depth, rate),
      order_(joining_order(config.where, schedule_.initial_depth(), model.config().depth)),
      seed_(seed) {
  state_.starts.resize(order_.size());
  for (Index i = 0; i < schedule_.initial_depth(); ++i)
    state_.starts[static_cast<std::size_t>(order_[static_cast<std::size_t>(i)])] = BlockStart();
}

template <class Scalar, class Space>
Index DepthGrowth<Scalar, Space>::depth() const {
  auto const blocks = active();
  return static_cast<Index>(std::count(blocks.begin(), blocks.end(), true));
}

template <class Scalar, class Space>
bool DepthGrowth<Scalar, Space>::advance(Index step, std::optional<double> threshold_ratio,
                                         Parameters theta, Optimizer& optimizer) {
  Index const present = depth();
  double wanted = static_cast<double>(schedule_.depth_for(step, present, threshold_ratio));
  context_.communicator().broadcast(std::span(&wanted, 1));
  state_.calm_steps = schedule_.calm_steps();
  for (Index i = present; i < static_cast<Index>(wanted); ++i)
    join(order_[static_cast<std::size_t>(i)], theta, optimizer);
  if (config_.entry == GrowthConfig::Entry::gate)
    for (std::size_t block = 0; block < state_.starts.size(); ++block)
      if (auto const& start = state_.starts[block]; start && start->step > 0)
        set_gate(context_, *model_, static_cast<Index>(block), opening(*start, optimizer.steps()),
                 theta);
  optimizer.set_ranges(ranges(optimizer.steps()));
  return static_cast<Index>(wanted) > present;
}

template <class Scalar, class Space>
void DepthGrowth<Scalar, Space>::join(Index block, Parameters theta, Optimizer& optimizer) {
  Index const source = source_for(block);
  enter_block(context_, *model_, config_, block, source, seed_, theta);
  enter_moments(context_, *model_, config_, block, source, theta, optimizer);
  BlockStart start{optimizer.steps(), optimizer.steps()};
  if (config_.second_moment == GrowthConfig::SecondMoment::neighbours)
    start.second_began = state_.starts[static_cast<std::size_t>(source)]->second_began;
  state_.starts[static_cast<std::size_t>(block)] = start;
}

/// The block that a new one learns from: where it is stacked, the blocks below in turn; else the
/// nearest that takes part, of two the one towards the input.
template <class Scalar, class Space>
Index DepthGrowth<Scalar, Space>::source_for(Index block) const {
  if (config_.where == GrowthConfig::Where::stack) return block % schedule_.initial_depth();
  Index nearest = -1;
  for (std::size_t i = 0; i < state_.starts.size(); ++i) {
    auto const other = static_cast<Index>(i);
    if (state_.starts[i] && (nearest < 0 || std::abs(other - block) < std::abs(nearest - block)))
      nearest = other;
  }
  require<ConfigError>(nearest >= 0, "growth: at least one block must take part from the start");
  return nearest;
}

/// How far a block's ramp has got, from 0 to 1; blocks that were there from the start have none.
template <class Scalar, class Space>
double DepthGrowth<Scalar, Space>::opening(BlockStart const& start, Index optimizer_steps) const {
  if (start.step == 0 || config_.ramp_steps == 0) return 1;
  return std::min(1.0, static_cast<double>(optimizer_steps - start.step + 1) /
                           static_cast<double>(config_.ramp_steps));
}

template <class Scalar, class Space>
std::vector<optim::ParameterRange> DepthGrowth<Scalar, Space>::ranges(Index optimizer_steps) const {
  auto const all = ranges_of(model_->layout(), state_.starts, [&](BlockStart const& start) {
    return opening(start, optimizer_steps);
  });
  std::vector<optim::ParameterRange> own;
  for (auto const& range : all) {
    ParameterLayout::Range const where{range.offset, range.size};
    for (auto const& slice : partition_.slices(where))
      own.push_back({slice.local, slice.size, range.decay, range.age});
  }
  return own;
}

template <class Scalar, class Space>
void DepthGrowth<Scalar, Space>::restore(GrowthState state) {
  require<ConfigError>(state.starts.size() == state_.starts.size(),
                       "growth: the state to restore is of a model of another depth");
  schedule_.restore(state.calm_steps);
  state_ = std::move(state);
}

KYRTOS_INSTANTIATE(kyrtos::growth::DepthGrowth)

}  // namespace kyrtos::growth
