// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <optional>
#include <string_view>

namespace kyrtos::curvature {

/// How far an estimate can be trusted.
enum class Quality {
  converged,  ///< The error estimate is within the tolerance asked for.
  following,  ///< A sound estimate, on its way or chasing a moving target.
  lost,       ///< No estimate: the value is absent.
};

std::string_view to_string(Quality quality);

/// Where λη stands against the threshold of stability.
enum class Stability {
  unknown,  ///< There is no estimate.
  stable,
  at_edge,   ///< Within the margin of the threshold.
  unstable,  ///< Above it by more than the margin: the loss is expected to oscillate or rise.
};

std::string_view to_string(Stability stability);

/// `ratio` = λη/threshold against 1 ± margin.
Stability classify(std::optional<double> ratio, double margin = 0.1);

/// What an estimator says after a training step. A failure has no numbers.
struct SharpnessReport {
  std::optional<double> lambda;           ///< The sharpness.
  std::optional<double> residual;         ///< Relative; absent where the method has none.
  std::optional<double> threshold_ratio;  ///< λη/threshold.
  Quality quality = Quality::lost;
  Stability stability = Stability::unknown;
  Index hvps = 0;            ///< Products with the Hessian spent on this report.
  Index forward_passes = 0;  ///< Evaluations of the loss spent on it.
  bool measured = true;      ///< False between the steps of the cadence: the last values again.
};

/// Follows the sharpness of a training run, one update() a step.
class SharpnessEstimator {
 public:
  virtual ~SharpnessEstimator() = default;

  /// After a step of the optimiser with step size `learning_rate`. Never throws for a NaN: that
  /// is a report of quality `lost`.
  virtual SharpnessReport update(double learning_rate) = 0;

 protected:
  SharpnessEstimator() = default;
  SharpnessEstimator(SharpnessEstimator const&) = default;
  SharpnessEstimator& operator=(SharpnessEstimator const&) = default;
};

}  // namespace kyrtos::curvature
