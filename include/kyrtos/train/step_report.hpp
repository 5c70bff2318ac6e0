// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>
#include <kyrtos/curvature/sharpness_estimator.hpp>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace kyrtos::train {

/// What the loss of the probe does along the update Δ of one step,
/// ℓ(θ + Δ) = ℓ(θ) + ⟨∇ℓ, Δ⟩ + ⟨Δ, HΔ⟩/2 + ….
struct UpdateReport {
  double slope = 0;      ///< ⟨∇ℓ, Δ⟩
  double curvature = 0;  ///< ⟨Δ, HΔ⟩
  double actual = 0;     ///< ℓ(θ + Δ) − ℓ(θ)

  double predicted() const { return slope + curvature / 2; }
  /// The directional sharpness ⟨Δ, HΔ⟩/−⟨∇ℓ, Δ⟩ over its threshold 2: above 1 the parabola says
  /// that the loss rises. For gradient descent it is η gᵀHg/(2 gᵀg).
  double ratio() const { return -curvature / (2 * slope); }
};

/// What the tracked direction u says on sequences that it was not fitted to (CurvatureCheck).
struct CheckReport {
  double held_out = 0;        ///< Mean of ⟨u, Au⟩/⟨u, u⟩ over batches drawn for it,
  double held_out_error = 0;  ///< and its standard error.
  /// Of products with rounded factors against training's precision, where they differ:
  /// |⟨u, (A' − A)u⟩|/|⟨u, Au⟩|
  std::optional<double> precision_error;
  std::optional<double> product_error;  ///< ‖(A' − A)u‖/‖Au‖
};

/// Numbers of parts of the model, or of its tensors, by name.
using NamedNumbers = std::vector<std::pair<std::string, double>>;

/// One training step, the same on every rank.
struct StepReport {
  Index step = 0;   ///< Counted from 1.
  double loss = 0;  ///< Mean over the global batch, before the update.
  std::optional<double> validation_loss;
  double gradient_norm = 0;  ///< Before clipping.
  double learning_rate = 0;
  Index active_depth = 0;
  std::optional<curvature::SharpnessReport> sharpness;  ///< After the update; on the batch, before.
  std::optional<double> small_batch_ratio;  ///< SGD with momentum β: λη/(2 − 2β), the threshold
                                            ///< under the noise of small batches.
  std::optional<double> lambda_reference;  ///< λ by converged Lanczos, where asked for.
  std::optional<CheckReport> check;        ///< Of λ, where asked for.
  NamedNumbers mass;  ///< Shares of the eigenvector by part (CurvatureProbe::mass_by_part()).
  NamedNumbers part_lambda;  ///< λ of one part alone (curvature::PartSharpness), with its name.
  std::optional<UpdateReport> update;
  std::optional<double> rms_ratio;  ///< Adam's √mean(g²/v̂), g as clipped, v̂ with this g: above 1
                                    ///< the second moment lags behind the gradient (StableAdamW,
                                    ///< arXiv 2304.13013).
  std::optional<double> weight_norm;        ///< ‖θ‖ after the update, of what is trained.
  std::optional<double> update_norm;        ///< ‖Δθ‖ without weight decay.
  NamedNumbers weight_norms, update_norms;  ///< The same of each tensor, at some steps.
  double loss_z = 0;                        ///< z-score against the steps before
  double gradient_z = 0;
  bool skipped = false;                 ///< The update was left out as an outlier.
  std::optional<double> largest_logit;  ///< Of attention, over all heads; before the update.
  Index clipped_heads = 0;              ///< By QK-Clip.
  Index tokens = 0;                     ///< Tokens seen by the run so far.
  double seconds = 0;                   ///< This step, everything included.
  double tokens_per_s = 0;
};

}  // namespace kyrtos::train
