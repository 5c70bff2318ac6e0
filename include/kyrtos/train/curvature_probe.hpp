// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/critical_sharpness.hpp>
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/part_sharpness.hpp>
#include <kyrtos/curvature/power_iteration.hpp>
#include <kyrtos/curvature/preconditioned_operator.hpp>
#include <kyrtos/curvature/spectral_sharpness.hpp>
#include <kyrtos/curvature/tracker.hpp>
#include <kyrtos/linalg/part_sums.hpp>
#include <kyrtos/model/objective.hpp>
#include <kyrtos/optim/muon.hpp>
#include <kyrtos/train/curvature_options.hpp>
#include <kyrtos/train/step_report.hpp>

#include <memory>
#include <optional>

namespace kyrtos::train {

/// Of Adam; nothing where `options` ask for another matrix, or the optimiser has no preconditioner:
/// the matrix is then the Hessian itself.
template <class Scalar, class Space>
std::optional<curvature::AdamPreconditionerOptions> preconditioner_for(
    optim::Optimizer<Scalar, Space> const& optimizer, CurvatureOptions const& options) {
  auto preconditioner = optimizer.preconditioner();
  if (options.matrix != CurvatureOptions::Matrix::preconditioned) return std::nullopt;
  if (preconditioner) preconditioner->kind = options.preconditioner;
  return preconditioner;
}

/// How far Adam's moments have come in what an optimiser moves, neighbours of one age joined.
std::vector<curvature::AdamRange> adam_ranges(std::vector<optim::ParameterRange> const& moved,
                                              Index steps);

/// What a CurvatureProbe needs for a restart, beside its vectors.
struct ProbeState {
  curvature::TrackerState tracker;
  double critical_step_size = 0;
};

/// Follows the sharpness of an objective while an optimiser moves its parameters: chooses the
/// matrix, the preconditioner, the estimator and the threshold of stability.
///
/// Memory beside the objective's: the estimator's; critical sharpness takes two vectors. An
/// objective for a method by products is best made with tangents.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class CurvatureProbe {
 public:
  using Objective = model::Objective<Scalar, Space>;
  using Optimizer = optim::Optimizer<Scalar, Space>;

  /// Objective and optimiser must outlive the probe.
  /// \param image a vector that measurements may overwrite, if there is one, such as the gradient.
  /// \param interrupted asked between products; true cuts a measurement short.
  CurvatureProbe(Objective& objective, Optimizer const& optimizer, CurvatureOptions const& options,
                 VectorView<Scalar, Space> image = {},
                 Interruption const& interrupted = never_interrupted);
  ~CurvatureProbe();
  CurvatureProbe(CurvatureProbe&&) = delete;

  Objective& objective() { return *objective_; }

  /// For another set of blocks that take part: memory anew, vectors and warm start as they are. The
  /// components along new blocks are zero at first and come with the next product.
  void set_active(model::ActiveBlocks const& active);

  /// Just before the optimiser's update: critical sharpness needs θ as it was.
  void before_update();

  /// The sharpness for step size `learning_rate`: after the update that moved θ or, on the kept
  /// batch, before it, with the preconditioner as it is then. Collective. No threshold is known of
  /// Muon for an eigenvalue, nor of the others for the sharpness over spectral norms: there is no
  /// ratio then.
  curvature::SharpnessReport measure(double learning_rate);

  /// The last report again, for another step size.
  curvature::SharpnessReport repeat(double learning_rate) const;

  /// Of the squared length of the tracked eigenvector u, the share that lies in each part of the
  /// model (Transformer::parts()); empty without a tracker or before it has a vector. Collective.
  NamedNumbers mass_by_part();

  /// The sharpness of one part of the model alone, and its name: part `turn` modulo their number.
  /// One product; with `parts` in the options. Collective.
  NamedNumbers part_sharpness(Index turn);
  /// The vectors that it goes on from, to be saved and restored; empty without it.
  VectorView<Scalar, Space> part_vectors() const;

  /// The eigenvalue that measure() estimates, by Lanczos until its residual is below 1e-3;
  /// absent where `reference_hvps` products don't suffice. Keeps a vector for each. Collective.
  std::optional<double> reference(Index step);

  /// The estimator's vectors, one a row, and what else a restart needs. Critical sharpness has no
  /// vectors.
  MatrixView<Scalar, Space> vectors() const;
  ProbeState state() const;
  /// After vectors() and the optimiser have been filled: goes on as if never interrupted.
  void restore(ProbeState const& state);

  /// Of a tracker: the direction that it carries along, x of u = P^(1/2) x or D, with P as the
  /// optimiser has it now; and memory of a vector that the next measurement overwrites.
  VectorView<Scalar const, Space> direction();
  VectorView<Scalar, Space> image() const;

  /// H or G, without a preconditioner, and the preconditioner, null if there is none: for
  /// comparison with another estimator.
  curvature::LinearOperator<Scalar, Space>& matrix() { return *matrix_; }
  curvature::AdamPreconditioner<Scalar, Space> const* preconditioner() const {
    return preconditioner_ ? &*preconditioner_ : nullptr;
  }

  /// The symmetric matrix whose eigenvalue is followed, P^(-1/2) H P^(-1/2) or H itself, as it is
  /// now. With a preconditioner it takes two vectors, from the first call on.
  curvature::LinearOperator<Scalar, Space>& tracked_operator();

 private:
  class TrialLoss;

  void build_tracker(VectorView<Scalar, Space> image, Interruption const& interrupted);
  void build_spectral(VectorView<Scalar, Space> image, Interruption const& interrupted);
  curvature::SharpnessReport estimate(double learning_rate);
  curvature::SharpnessReport without_foreign_threshold(curvature::SharpnessReport report) const;
  curvature::SharpnessReport estimate_cold();
  void update_preconditioner();

  Objective* objective_;
  Optimizer const* optimizer_;
  CurvatureOptions options_;
  curvature::StabilityThreshold threshold_;
  std::unique_ptr<curvature::LinearOperator<Scalar, Space>> matrix_;
  std::optional<curvature::AdamPreconditioner<Scalar, Space>> preconditioner_;
  std::optional<curvature::PreconditionedOperator<Scalar, Space>> preconditioned_;
  std::optional<curvature::CurvatureTracker<Scalar, Space>> tracker_;
  std::optional<curvature::SpectralSharpness<Scalar, Space>> spectral_;
  optim::Muon<Scalar, Space> const* muon_;  // null: another optimiser
  std::optional<curvature::PowerIteration<Scalar, Space>> cold_;
  std::unique_ptr<TrialLoss> trial_loss_;
  std::optional<curvature::CriticalSharpness> critical_;
  std::optional<curvature::Lanczos<Scalar, Space>> lanczos_;
  std::optional<curvature::PartSharpness<Scalar, Space>> parts_;
  linalg::PartSums<Space> mass_;
  double learning_rate_ = 0;
  bool lacks_second_moment_ = false;  // Adam has not stepped: the matrix is the plain Hessian
};

}  // namespace kyrtos::train
