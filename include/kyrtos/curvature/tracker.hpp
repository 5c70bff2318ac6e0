// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/eigenpair.hpp>
#include <kyrtos/curvature/linear_operator.hpp>
#include <kyrtos/curvature/preconditioner.hpp>
#include <kyrtos/curvature/sharpness_estimator.hpp>

#include <cstdint>

namespace kyrtos::curvature {

struct TrackerOptions {
  Spectrum target = Spectrum::largest_algebraic;
  int block = 1;                 ///< Vectors carried along, 1 to 4; more where eigenvalues cross.
  Index every = 1;               ///< Updates between two measurements.
  Index min_hvps = 1;            ///< Products a measurement, at least one a vector.
  Index max_hvps = 5;            ///< The budget of a measurement that starts warm,
  Index cold_hvps = 20;          ///< and of one that starts from a random vector.
  double target_residual = 0.1;  ///< More products, within the budget, while above it.
  double margin = 0.1;           ///< Of the edge of stability, relative to the threshold.
  std::uint64_t seed = 0;
};

/// Beside its vectors, all that a tracker needs to go on with the same numbers after a restart.
struct TrackerState {
  bool has_vectors = false;   ///< Otherwise the next measurement draws random ones.
  bool warm = false;          ///< The last measurement was not lost.
  Index updates = 0;          ///< So far; the cadence and the random vectors depend on it.
  double shift = 0;           ///< c
  double value = 0;           ///< λ of the last product, whatever its quality.
  SharpnessReport last = {};  ///< Repeated between measurements.
};

/// Follows the sharpness λmax of an operator that changes a little from step to step.
///
/// The eigenvector found at one step is the start of the next (the warm start of "Taming
/// Curvature", arXiv 2606.16768): a measurement is then one product w = Au, the Rayleigh quotient
/// λ = ⟨u, w⟩/⟨u, u⟩, and its residual r = ‖w − λu‖/(|λ|‖u‖); (w + cu) is carried on. With more
/// than one vector the block is rotated to its Ritz vectors in between (as BlockPower does).
///
/// The shift c keeps the iteration from tending to a negative eigenvalue of greater magnitude. With
/// a sufficient c the Rayleigh quotient never falls unless the operator changes: c is doubled when
/// it does and shrinks by a tenth when it doesn't, within r/2 and 1 times ‖w‖/‖u‖, so that it costs
/// little speed where it isn't needed. For λ < 0 it is twice ‖w‖/‖u‖: every other part of u grows.
///
/// More products follow while the residual is above the target, within the budget. Quality:
/// `converged` at or below the target, `following` above it, `lost` from a residual of 1 on, where
/// the certificate would allow an eigenvalue of 0, and for NaN and infinities. What is lost has no
/// numbers; the next measurement has the budget of a cold start and, after a NaN, a new random
/// vector.
///
/// A preconditioner's change is transported by its owner:
/// `preconditioner.update(context, v, step, tracker.vectors())` before update().
///
/// Memory: 2·block vectors. A measurement costs its products and 5 accesses to vectors each (with
/// a block of k, about 2k² + 10k), and waits for the instance. Collective when the operator is.
template <class Scalar, class Space>
class CurvatureTracker final : public SharpnessEstimator {
 public:
  /// The operator must outlive the tracker. \throws ConfigError for options that contradict.
  CurvatureTracker(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                   StabilityThreshold threshold, TrackerOptions const& options = {});

  SharpnessReport update(double learning_rate) override;

  /// The vectors carried along, one a row; for transport, and for a checkpoint.
  MatrixView<Scalar, Space> vectors() const { return u_; }
  TrackerOptions const& options() const { return options_; }

  using State = TrackerState;
  State const& state() const { return state_; }
  void restore(State const& state) { state_ = state; }

 private:
  SharpnessReport measure(double learning_rate);
  void apply_and_rotate();
  double next_shift(double value, double image, double residual, bool is_first);
  void advance(double shift, double value, double image, double norm);

  Context<Space> context_;
  LinearOperator<Scalar, Space>* operator_;
  StabilityThreshold threshold_;
  TrackerOptions options_;
  Matrix<Scalar, Space> u_, w_;
  State state_;
};

}  // namespace kyrtos::curvature
