// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/distributed_view.hpp>
#include <kyrtos/core/interruption.hpp>
#include <kyrtos/curvature/linear_operator.hpp>
#include <kyrtos/curvature/preconditioner.hpp>
#include <kyrtos/curvature/sharpness_estimator.hpp>
#include <kyrtos/curvature/tracker.hpp>
#include <kyrtos/linalg/newton_schulz.hpp>
#include <kyrtos/parallel/whole_matrices.hpp>

#include <cstdint>
#include <optional>

namespace kyrtos::curvature {

struct SpectralOptions {
  Index every = 1;               ///< Updates between two measurements.
  Index min_hvps = 1;            ///< Products a measurement.
  Index max_hvps = 5;            ///< The budget of one that starts warm,
  Index cold_hvps = 20;          ///< and of one that starts from random matrices.
  double target_residual = 0.1;  ///< More products, within the budget, while above it.
  std::uint64_t seed = 0;
  Interruption interrupted = never_interrupted;  ///< Asked between products.
};

/// Follows the sharpness in the norm of Muon's steps (Islamov et al. 2026, "Non-Euclidean gradient
/// descent operates at the edge of stability", arXiv 2603.05002):
///
///     λ = max ⟨D, HD⟩ over ‖D_k‖₂ ≤ s_k,
///
/// with a matrix D_k and a radius s_k for each matrix of the parameters, and zero elsewhere. The
/// maximum of a convex function lies at a vertex of the ball, and the Frank–Wolfe step from vertex
/// to vertex is
///
///     D_k ← s_k UVᵀ  of  (HD)_k = UΣVᵀ.
///
/// One product a step. D is carried on from step to step of the training, as the tracker's vector
/// is. What is reported is ⟨D, HD⟩ itself: a value that the ball has, so a lower bound, and a local
/// maximum where the ascent has ended. The residual says how far it has not: with D' the next D,
/// ⟨D', HD⟩ is the maximum of the linear function there, and ⟨D', HD⟩/⟨D, HD⟩ − 1 is zero just at
/// an end. Quality: `converged` at a residual no greater than the target, `following` above,
/// `lost` where ⟨D, HD⟩ is not positive or not finite.
///
/// Where H has strong negative curvature the function is not convex, and the value may fall. Then
/// the next D is that of HD + cD with c = 2‖HD‖/‖D‖, as the tracker shifts.
///
/// **Threshold.** A step −ηD with D the vertex that the gradient G points to changes the loss by
/// −η‖G‖_* + ½η²⟨D, HD⟩ to second order, ‖G‖_* = Σ s_k Σ singular values of G_k. It falls for
/// λ < 2‖G‖_*/η. (The paper's descent takes steps −η‖G‖_* D, for which that is 2/η.) ‖G‖_* is the
/// optimiser's to say: set_slope().
///
/// Memory: two vectors, one of which may be borrowed, and a matrix. Collective.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class SpectralSharpness final : public SharpnessEstimator {
 public:
  /// The operator must outlive it. \param radii one a matrix. \param image a vector that updates
  /// may overwrite; empty: its own. \throws ConfigError where there are no matrices.
  SpectralSharpness(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                    std::vector<parallel::MatrixRange> matrices, std::vector<double> radii,
                    SpectralOptions const& options = {}, VectorView<Scalar, Space> image = {});
  SpectralSharpness(SpectralSharpness&&) = delete;

  /// ‖G‖_*, which gives λη its threshold in what follows; nothing, or 0: there is none.
  void set_slope(std::optional<double> slope) { slope_ = slope; }

  SharpnessReport update(double learning_rate) override;

  /// The last report again, for another step size.
  SharpnessReport repeat(double learning_rate) const;

  /// D in the one row, for a checkpoint.
  MatrixView<Scalar, Space> vectors() const { return d_; }
  /// Memory of one vector that the next update overwrites.
  VectorView<Scalar, Space> image() const { return image_; }
  using State = TrackerState;
  State const& state() const { return state_; }
  void restore(State const& state) { state_ = state; }

 private:
  SharpnessReport measure();
  void draw();
  void project(double shift);
  void judge(SharpnessReport& report, double learning_rate) const;
  DistributedView<Scalar, Space> direction() const { return {flat(d_), partition_}; }
  DistributedView<Scalar, Space> image_on_ranks() const { return {image_, partition_}; }

  Context<Space> context_;
  LinearOperator<Scalar, Space>* operator_;
  SpectralOptions options_;
  Partition partition_;
  std::vector<double> radii_;
  parallel::WholeMatrices<Scalar, Space> whole_;
  linalg::NewtonSchulz<Scalar, Space> newton_schulz_;
  Matrix<Scalar, Space> d_;
  Vector<Scalar, Space> own_image_;
  VectorView<Scalar, Space> image_;
  std::optional<double> slope_;
  State state_;
};

}  // namespace kyrtos::curvature
