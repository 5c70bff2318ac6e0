// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/sharpness_estimator.hpp>

#include <functional>

namespace kyrtos::curvature {

struct CriticalSharpnessOptions {
  Index max_forward_passes = 9;  ///< An update, the loss at the start included; at least 3.
  double tolerance = 0.05;       ///< The bracket of η_c closes to this, relatively.
  double margin = 0.1;           ///< Of the edge of stability.
};

/// Critical sharpness λc = 2/η_c (Kalra et al., "A scalable measure of loss landscape curvature",
/// arXiv 2601.16979): η_c is the smallest step size at which the loss along the optimiser's
/// update, L(θ − ηd), rises above L(θ). No Hessian: fewer than ten forward passes.
///
/// For a quadratic loss η_c = 2⟨g, d⟩/⟨d, Hd⟩, so λc = ⟨d, Hd⟩/⟨g, d⟩: for d = g a mean of the
/// eigenvalues weighted by the gradient's components, at most λmax, and near it at the edge of
/// stability. d contains the preconditioner and the momentum, so that the threshold is 2/η
/// whatever the optimiser: λ·η/threshold is η/η_c.
///
/// The root of q(η) = (L(θ − ηd) − L(θ))/η, a straight line for a quadratic, is bracketed from
/// the last η_c by secant steps, with bisection as the fallback; a loss that is not finite counts
/// as risen. Where η_c has moved by less than the tolerance allows, that takes three passes.
/// `converged`: the bracket is within the tolerance; `following`: there is a bracket;
/// `lost`: L(θ) is not finite, or the loss never crossed L(θ) in the passes allowed.
class CriticalSharpness final : public SharpnessEstimator {
 public:
  /// η ↦ L(θ − ηd) for the present θ and the present update d, on the probe batch.
  using LossAlongUpdate = std::function<double(double)>;

  explicit CriticalSharpness(LossAlongUpdate loss, CriticalSharpnessOptions const& options = {});

  SharpnessReport update(double learning_rate) override;

  /// The warm start of the next search, for a restart; 0 when there is none.
  double last_step_size() const { return last_step_size_; }
  void restore(double last_step_size) { last_step_size_ = last_step_size; }

 private:
  LossAlongUpdate loss_;
  CriticalSharpnessOptions options_;
  double last_step_size_ = 0;
};

}  // namespace kyrtos::curvature
