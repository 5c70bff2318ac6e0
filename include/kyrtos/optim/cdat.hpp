// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace kyrtos::optim {

struct CdatOptions {
  double scale = 0;        ///< σ; 0: off. 1 goes to the bottom of the parabola, 2 across it.
  double smoothing = 0.9;  ///< β
};

/// The curvature-aware learning rate of Roulet et al. 2024, "Stepping on the Edge: Curvature Aware
/// Learning Rate Tuners" (CDAT, arXiv 2407.06183). Along an optimiser's direction u the loss is
/// ℓ + η⟨g, u⟩ + η²⟨u, Hu⟩/2 to second order: least at η = ⟨g, -u⟩/⟨u, Hu⟩, as it was at twice
/// that.
///
///     n ← βn + (1 - β) max(⟨g, -u⟩, 0),  d ← βd + (1 - β) |⟨u, Hu⟩|,  η = σ n/d
class Cdat {
 public:
  struct State {
    double decrease = 0, curvature = 0;  ///< n, d
  };

  explicit Cdat(CdatOptions const& options) : options_(options) {}

  /// η after a step with ⟨g, -u⟩ = `decrease` and ⟨u, Hu⟩ = `curvature`; infinite where there is
  /// no curvature yet. What is not finite is left out of the means.
  double rate(double decrease, double curvature);

  State const& state() const { return state_; }
  void restore(State const& state) { state_ = state; }

 private:
  CdatOptions options_;
  State state_;
};

}  // namespace kyrtos::optim
