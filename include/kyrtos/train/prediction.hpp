// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/work.hpp>
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

/// Of the rank that has most, as resources_of(). \param attention_kernels of a backward pass.
template <class Scalar, class Space>
RankWork rank_work(Context<Space> const& context, RunConfig config, int ranks, Index depth,
                   int attention_kernels);

/// Seconds of each class of kernels, by docs/performance.md's formula:
///
///     max(products/(rate share) + flops/(rate share), bytes/(bandwidth share)) + launches·seconds
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
