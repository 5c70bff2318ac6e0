// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/distributed_view.hpp>
#include <kyrtos/core/interruption.hpp>
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
  Index cold_hvps = 20;          ///< and of one that starts cold or would be lost.
  double target_residual = 0.1;  ///< More products, within the budget, while above it.
  double margin = 0.1;           ///< Of the edge of stability, relative to the threshold.
  std::uint64_t seed = 0;
  /// Asked between products: a measurement that is cut short says what it has.
  Interruption interrupted = never_interrupted;
};

/// Beside its vectors, all that a tracker needs to go on with the same numbers after a restart.
struct TrackerState {
  bool has_vectors = false;   ///< Otherwise the next measurement draws random ones.
  bool warm = false;          ///< The last measurement was not lost.
  Index updates = 0;          ///< So far; the cadence and the random vectors depend on it.
  double rest = 0.4;          ///< m/‖w‖
  SharpnessReport last = {};  ///< Repeated between measurements.
};

/// Follows the sharpness λmax of an operator that changes a little from step to step.
///
/// The eigenvector found at one step is the start of the next (the warm start of "Taming
/// Curvature", arXiv 2606.16768): a measurement is one product w = Au for ‖u‖ = 1, and w + cu is
/// carried on. With more than one vector the block is rotated to its Ritz vectors in between.
///
/// **The value reported.** The Rayleigh quotient ϱ = ⟨u, w⟩ lies below λmax, by 5 to 20 % where
/// the eigenvector turns by 0.3 rad between two products. Its second-order correction is the Ritz
/// value of span{u, w}: with ρ = ‖w − ϱu‖ and r the unit vector of w − ϱu,
///
///     λ = ½(ϱ + m) + √(¼(ϱ − m)² + ρ²),   m = ⟨r, Ar⟩.
///
/// Where a measurement has more products, the next one, with u' ∝ (ϱ + c)u + ρr, gives m exactly:
///
///     ϱ' ((ϱ + c)² + ρ²) = (ϱ + c)²ϱ + 2(ϱ + c)ρ² + ρ²m.
///
/// m/‖w‖ changes little from step to step, so that an average of the last few serves measurements
/// of one product. (Products of two steps give no m: the operator's change over ρ² drowns it.) The
/// residual is that of the λ reported: its certificate holds whatever m was.
///
/// **The shift.** c = λ − m − ϱ makes w + cu the Ritz vector, from which a measurement goes on. At
/// its end c keeps negative eigenvalues of greater magnitude from winning: max(0, −2m − ϱ) damps
/// what makes up r at least as well as half of λ would be damped, and is zero unless that is
/// strongly negative. For ϱ < 0 it is 2‖w‖: every other part of u grows.
///
/// More products follow while the residual is above the target, within the budget. Quality:
/// `converged` at or below the target, `following` above it, `lost` from a residual of 1 on, where
/// the certificate would allow an eigenvalue of 0, and for NaN and infinities. A measurement that
/// would be lost goes on with the budget of a cold start. What is lost all the same has no numbers;
/// the next measurement has that budget again and, after a NaN, a new random vector.
///
/// **With a preconditioner** P the operator followed is P^(-1/2) A P^(-1/2), through the pencil
/// A x = λ P x: what is carried along is x = P^(-1/2) u, the direction in parameter space. It stays
/// what it is when P changes, which is the transport u ← P_t^(1/2) P_{t−1}^(-1/2) u of the paper
/// for nothing, and no vector of P's length is needed.
///
/// Memory: `block` vectors, and as many for images, the first of which may be borrowed. A
/// measurement costs its products and 5 accesses to vectors each, 7 with a preconditioner (with a
/// block of k, about 2k² + 10k), and waits for the instance. Collective when the operator is.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class CurvatureTracker final : public SharpnessEstimator {
 public:
  using Preconditioner = AdamPreconditioner<Scalar, Space>;

  /// The operator and the preconditioner, whose owner keeps it up to date, must outlive the
  /// tracker. \param preconditioner null: none. \param image memory for the image of a block of
  /// one, which an update overwrites: a vector whose values nobody needs then, such as the gradient
  /// after the optimiser's step. Empty: its own. \throws ConfigError for options that contradict.
  CurvatureTracker(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                   StabilityThreshold threshold, TrackerOptions const& options = {},
                   Preconditioner const* preconditioner = nullptr,
                   VectorView<Scalar, Space> image = {});
  CurvatureTracker(CurvatureTracker&&) = delete;

  SharpnessReport update(double learning_rate) override;

  /// The vectors x carried along, one a row, for a checkpoint.
  MatrixView<Scalar, Space> vectors() const { return x_; }
  /// Memory of one vector that the next update overwrites.
  VectorView<Scalar, Space> image() const { return flat(rows_of(y_, 0, 1)); }
  TrackerOptions const& options() const { return options_; }

  using State = TrackerState;
  State const& state() const { return state_; }
  void restore(State const& state) { state_ = state; }

 private:
  SharpnessReport measure(double learning_rate);
  void draw_vectors();
  void apply_and_rotate();
  struct Product;
  void sample_rest(Product const& before, double value);
  Eigenvalue estimate(Product const& p) const;
  double shift(Product const& p) const;
  double shift_to_ritz(Product const& p) const;
  void advance(Product const& p, double norm);

  /// Row j of x_ or y_.
  DistributedView<Scalar, Space> vector(MatrixView<Scalar, Space> const& rows, Index j) const {
    return {flat(rows_of(rows, j, 1)), partition_};
  }
  Context<Space> context_;
  LinearOperator<Scalar, Space>* operator_;
  StabilityThreshold threshold_;
  TrackerOptions options_;
  Preconditioner none_;
  Preconditioner const* preconditioner_;
  Partition partition_;  // of each row of x_
  Matrix<Scalar, Space> x_, own_image_;
  MatrixView<Scalar, Space> y_;
  State state_;
};

}  // namespace kyrtos::curvature
