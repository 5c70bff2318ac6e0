// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/growth/depth_growth.hpp>
#include <kyrtos/train/config.hpp>
#include <kyrtos/train/token_stream.hpp>
#include <kyrtos/train/trainer.hpp>

#include <memory>

namespace kyrtos::train {

/// The model that a configuration describes and all that trains it, but for data.
///
/// Made of a Context that only counts memory, it says what a run will hold (train/resources.hpp): a
/// run and its plan are made by the same constructor.
template <class Scalar, class Space>
class ConfiguredTrainer {
 public:
  /// \param place of this rank; other than the context's own where memory is only counted.
  /// \throws ConfigError.
  ConfiguredTrainer(Context<Space> const& context, RunConfig const& config, RankPlace place,
                    Interruption interrupted = never_interrupted);

  /// The sharpness is followed from now on, on these micro-batches of the probe.
  void watch(std::vector<Batch<Scalar, Space>> probe);
  /// After watch(): and checked, where the configuration says so, on batches of probe_share.
  void check(typename CurvatureCheck<Scalar, Space>::Source source);

  /// Floating-point operations over all ranks, with the blocks that are active now: of a step
  /// without the curvature's, and of one product on the probe, 0 where curvature is not followed.
  double step_flops() const;
  double product_flops() const;

  Context<Space> const context;  ///< With the precision's products.
  RunConfig const config;
  BatchShare const training_share, probe_share;  ///< Of this rank.
  KeptShare const kept;
  model::Transformer<Scalar, Space> const model;
  model::Parameters<Scalar, Space> theta;
  growth::DepthGrowth<Scalar, Space> growth;
  std::unique_ptr<optim::Optimizer<Scalar, Space>> const optimizer;
  model::Objective<Scalar, Space> objective;
  Trainer<Scalar, Space> trainer;
};

/// The optimiser that a configuration names, for vectors that lie on the ranks as θ does.
/// \param ranges of this rank's vectors.
template <class Scalar, class Space>
std::unique_ptr<optim::Optimizer<Scalar, Space>> make_optimizer(
    Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
    Partition const& partition, std::vector<optim::ParameterRange> ranges, RunConfig const& config);

/// What [training] and [schedule] say of each step.
TrainerOptions trainer_options(RunConfig const& config, Interruption interrupted);

}  // namespace kyrtos::train
