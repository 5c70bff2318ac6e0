// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/critical_sharpness.hpp>
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/model_operators.hpp>
#include <kyrtos/curvature/power_iteration.hpp>
#include <kyrtos/curvature/tracker.hpp>
#include <kyrtos/curvature/wrapped_operators.hpp>
#include <kyrtos/optim/optimizer.hpp>
#include <kyrtos/train/config.hpp>
#include <kyrtos/train/sharded_parameters.hpp>

#include <memory>
#include <optional>

namespace kyrtos {

/// Whether [curvature] asks for a preconditioner and the optimiser has one. Without Adam there is
/// none: the matrix is then the Hessian itself.
bool has_preconditioner(OptimizerConfig const& optimizer, CurvatureConfig const& config);

curvature::AdamPreconditionerOptions preconditioner_options(OptimizerConfig const& optimizer,
                                                            CurvatureConfig const& config);

/// Adam's threshold belongs to the preconditioned Hessian; other matrices get gradient descent's.
curvature::StabilityThreshold stability_threshold(OptimizerConfig const& optimizer,
                                                  CurvatureConfig const& config);

/// How far Adam's moments have come in what an optimiser moves, neighbours of one age joined.
std::vector<curvature::AdamStretch> adam_stretches(std::vector<optim::ParameterRange> const& ranges,
                                                   Index steps);

/// What a CurvatureProbe needs for a restart, beside its vectors.
struct ProbeState {
  curvature::TrackerState tracker;
  double critical_step_size = 0;
};

/// Follows the sharpness of a model in training, as [curvature] of a configuration says: chooses
/// the matrix, the preconditioner, the estimator and the threshold.
///
/// Memory beside the estimator's: a workspace with tangents for the probe's micro-batch; critical
/// sharpness takes two vectors and no tangents.
template <class Scalar, class Space>
class CurvatureProbe {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using Batch = layers::Batch<Scalar, Space>;

  /// \param context with shards, if θ is sharded.
  /// \param theta the parameters that training moves; read at every measurement.
  /// \param batches this rank's micro-batches of the probe, all of `shape`.
  /// \param image a vector that measurements may overwrite, if there is one, such as the gradient.
  CurvatureProbe(Context<Space> const& context, Transformer<Scalar, Space> const& model,
                 ParameterAccess<Scalar, Space> theta, OptimizerConfig const& optimizer,
                 CurvatureConfig const& config, SequenceShape shape, std::vector<Batch> batches,
                 ActiveBlocks const& active = {}, std::uint64_t seed = 0,
                 ReductionOptions const& reduction = {}, VectorView<Scalar, Space> image = {},
                 Interruption const& interrupted = never_interrupted);
  ~CurvatureProbe();
  CurvatureProbe(CurvatureProbe&&) = delete;

  void set_batches(std::vector<Batch> batches);

  /// For another set of blocks that take part: memory anew, vectors and warm start as they are. The
  /// components along new blocks are zero at first and come with the next product.
  void set_active(ActiveBlocks const& active);

  /// Just before the optimiser's update: critical sharpness needs θ as it was.
  void before_update();

  /// After the update that moved θ with step size `learning_rate`. Collective.
  curvature::SharpnessReport after_update(optim::Optimizer<Scalar, Space> const& optimizer,
                                          double learning_rate);

  /// The eigenvalue that after_update() estimates, by Lanczos until its residual is below 1e-3;
  /// absent where `reference_hvps` products don't suffice. Keeps a vector for each. Collective.
  std::optional<double> reference(Index step);

  /// The estimator's vectors, one a row, and what else a restart needs. Critical sharpness has no
  /// vectors.
  MatrixView<Scalar, Space> vectors() const;
  ProbeState state() const;
  /// After vectors() and the optimiser have been filled: goes on as if never interrupted.
  void restore(ProbeState const& state, optim::Optimizer<Scalar, Space> const& optimizer);

  /// H or G, without a preconditioner, and the preconditioner, null if there is none: for
  /// comparison with another estimator. No matrix for critical sharpness.
  LinearOperator<Scalar, Space>* matrix() { return matrix_ ? &*matrix_ : nullptr; }
  curvature::AdamPreconditioner<Scalar, Space> const* preconditioner() const {
    return preconditioner_ ? &*preconditioner_ : nullptr;
  }

  /// The symmetric matrix whose eigenvalue is followed, P^(-1/2) H P^(-1/2) or H itself, as it is
  /// now. With a preconditioner it takes two vectors.
  class SymmetricMatrix {
   public:
    explicit SymmetricMatrix(CurvatureProbe& probe) : matrix_(probe.matrix()) {
      if (probe.preconditioner() == nullptr) return;
      preconditioned_.emplace(probe.context_, *matrix_, *probe.preconditioner());
      matrix_ = &*preconditioned_;
    }
    LinearOperator<Scalar, Space>& get() { return *matrix_; }

   private:
    std::optional<curvature::PreconditionedOperator<Scalar, Space>> preconditioned_;
    LinearOperator<Scalar, Space>* matrix_;
  };

  /// Floating-point operations of one product, or of one loss, on this rank.
  double product_flops() const;

 private:
  void build_matrix(OptimizerConfig const& optimizer, CurvatureConfig const& config,
                    ReductionOptions const& reduction);
  void build_tracker(CurvatureConfig const& config, std::uint64_t seed,
                     VectorView<Scalar, Space> image, Interruption const& interrupted);
  curvature::SharpnessReport start_cold(Index step);
  double loss_along_update(double step_size);
  void update_preconditioner(optim::Optimizer<Scalar, Space> const& optimizer);

  Context<Space> context_;
  Transformer<Scalar, Space> const* model_;
  ParameterAccess<Scalar, Space> theta_;
  std::vector<Batch> batches_;
  SequenceShape shape_;
  std::optional<TransformerWorkspace<Scalar, Space>> workspace_;
  std::optional<curvature::ModelOperator<Scalar, Space>> matrix_;
  std::optional<curvature::AdamPreconditioner<Scalar, Space>> preconditioner_;
  std::optional<curvature::CurvatureTracker<Scalar, Space>> tracker_;
  std::optional<curvature::PowerIteration<Scalar, Space>> cold_;
  std::optional<curvature::CriticalSharpness> critical_;
  std::optional<curvature::Lanczos<Scalar, Space>> lanczos_;
  curvature::StabilityThreshold threshold_;
  CurvatureConfig config_;
  std::uint64_t seed_ = 0;
  Vector<Scalar, Space> theta_before_;
  std::optional<ShardedParameters<Scalar, Space>> trial_;
  double learning_rate_ = 0;
};

}  // namespace kyrtos
