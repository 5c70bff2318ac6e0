// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>
#include <kyrtos/curvature/sharpness_estimator.hpp>

#include <optional>

namespace kyrtos::train {

/// One training step, the same on every rank.
struct StepReport {
  Index step = 0;   ///< Counted from 1.
  double loss = 0;  ///< Mean over the global batch, before the update.
  std::optional<double> validation_loss;
  double gradient_norm = 0;  ///< Before clipping.
  double learning_rate = 0;
  Index active_depth = 0;
  std::optional<curvature::SharpnessReport> sharpness;  ///< After the update.
  std::optional<double> lambda_reference;  ///< λ by converged Lanczos, where asked for.
  double loss_z = 0;                       ///< z-score against the steps before.
  double gradient_z = 0;
  bool skipped = false;                 ///< The update was left out as an outlier.
  std::optional<double> largest_logit;  ///< Of attention, over all heads; before the update.
  Index clipped_heads = 0;              ///< By QK-Clip.
  Index tokens = 0;                     ///< Tokens seen by the run so far.
  double seconds = 0;                   ///< This step, everything included.
  double tokens_per_s = 0;
};

}  // namespace kyrtos::train
