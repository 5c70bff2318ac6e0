// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/work.hpp>
#include <kyrtos/train/configured_trainer.hpp>
#include <kyrtos/train/device.hpp>
#include <kyrtos/train/resources.hpp>

#include <array>

/// \file
/// \brief The time of a step and of a product on a device, predicted from their work.

namespace kyrtos::train {

/// What a rank has to do: its passes, and what works on vectors of θ's length.
struct RankWork {
  model::WorkByClass gradient;  ///< Of a step's batch, with the norm of the gradient.
  model::WorkByClass update;    ///< The optimiser's.
  model::WorkByClass product;   ///< One on the probe, with the tracker's algebra; else nothing.
};

/// Of the rank that has most. \param trainer made as for one of `ranks` ranks, with a Context that
/// only counts, and `depth` active blocks. \param training, product what passes of gradients and of
/// products run on.
template <class Scalar, class Space>
RankWork rank_work(ConfiguredTrainer<Scalar, Space> const& trainer, int ranks, Index depth,
                   layers::Machine const& training, layers::Machine const& product);

/// resources_of() and rank_work() from the same dry run, on a device.
struct DryRun {
  Resources resources;
  RankWork work;
};
template <class Scalar, class Space>
DryRun dry_run(Context<Space> const& context, RunConfig const& config, int ranks, Index depth,
               Device const& device);

/// Seconds of each class of kernels, by docs/performance.md's formula:
///
///     max(products/(rate share), their bytes/(bandwidth share))
///     + max(other flops/(rate share), other bytes/(bandwidth share)) + launches·seconds
using ClassSeconds = std::array<double, model::kernel_classes>;
ClassSeconds class_seconds(model::WorkByClass const& work, Device const& device,
                           Precision precision);

/// One operation: work and time by class, and the communication that computing does not hide.
struct PredictedTime {
  model::WorkByClass work;
  ClassSeconds seconds = {};
  double messages = 0;

  double computing() const;
  double total() const { return computing() + messages; }
};
struct Prediction {
  PredictedTime step, product;
  PredictedTime tracked_step;  ///< With the products of the curvature and of its checks.
};

/// \throws ConfigError where the device lacks the precision of the configuration.
Prediction predict(RunConfig const& config, Resources const& resources, RankWork const& work,
                   int ranks, Device const& device);

}  // namespace kyrtos::train
