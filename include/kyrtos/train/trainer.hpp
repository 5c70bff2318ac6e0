// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/growth/depth_growth.hpp>
#include <kyrtos/io/asynchronous_writer.hpp>
#include <kyrtos/optim/cdat.hpp>
#include <kyrtos/optim/outlier_detector.hpp>
#include <kyrtos/parallel/rank_sum.hpp>
#include <kyrtos/train/curvature_probe.hpp>
#include <kyrtos/train/line_model.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/sharded_parameters.hpp>
#include <kyrtos/train/step_report.hpp>

#include <memory>
#include <optional>
#include <string>

namespace kyrtos {

/// The training loop's body: everything that a step changes, and nothing about files and screens.
///
/// Every function is collective. A step reads its share of the global batch, sums gradients over
/// ranks, clips, updates, and measures the sharpness. All state that steps depend on goes through
/// save() and restore(), so that a restored trainer takes the same steps, bit by bit on as many
/// ranks. Vectors of the parameters' length: θ, the optimiser's (Adam's two), the tracker's, and
/// one that is the gradient first and the product with the Hessian afterwards; whole on every rank,
/// or in pieces, as parallel.shard says.
template <class Scalar, class Space>
class Trainer {
 public:
  using ConstVector = VectorView<Scalar const, Space>;

  /// Draws the initial parameters.
  /// \param interrupted cuts short what a step does not need: validation and measurements.
  /// \throws ConfigError, FileError.
  Trainer(Context<Space> const& context, RunConfig const& config,
          Interruption interrupted = never_interrupted);
  ~Trainer();
  Trainer(Trainer&&) = delete;

  /// One step. \throws NumericalError, before anything has changed, when the loss or the gradient
  /// is not finite: the state is then the last good one, and may be saved.
  StepReport step();

  /// Mean loss over `training.evaluation_batches` batches of the validation data, each time the
  /// same; nothing when it was interrupted. Leaves the state alone.
  std::optional<double> validation_loss();

  /// Whether a validation loss is lower than all that this was asked about, since the run's start.
  bool is_best(double validation_loss);

  Index steps_done() const { return step_; }
  bool is_finished() const { return step_ >= config_.training.steps; }

  /// \throws FileError
  void save(std::string const& path) const;
  /// Starts it, and leaves the rest to `writer`. \throws FileError
  void save(std::string const& path, io::AsynchronousWriter<Scalar, Space>& writer) const;
  std::uint64_t checkpoint_bytes() const;
  /// Parameters, optimiser, tracker and the rest as saved; the configuration stays this one.
  /// \throws FileError also for a checkpoint of another model.
  void restore(io::CheckpointReader const& checkpoint);
  /// The parameters alone, of a checkpoint of any origin, before the first step. \throws FileError
  /// as restore(), and naming the setting of [model] by which they would mean something else.
  void start_from(io::CheckpointReader const& checkpoint);

  RunConfig const& config() const { return config_; }
  Transformer<Scalar, Space> const& model() const { return model_; }
  /// Those that this rank moves: all of them, or its pieces.
  ConstVector parameters() const { return theta_.own(); }
  /// Null when curvature is off.
  CurvatureProbe<Scalar, Space>* probe() { return probe_.get(); }
  Index active_depth() const { return growth_.depth(); }
  /// What the last step read on this rank; those of weight 0 are fillers.
  std::vector<layers::Batch<Scalar, Space>> batches() const { return stream_.batches(); }

  /// Floating-point operations of a step over all ranks, without the curvature's.
  double step_flops() const;

 private:
  struct Measured {
    double loss, gradient_norm;
  };
  Measured measure_gradient();
  bool update(Measured const& m, StepReport& report);
  double update_along_line(double ceiling, double gradient_scale);
  void look_at_attention(StepReport& report);
  void load_probe(Index step);
  void bind_blocks();
  io::CheckpointText checkpoint_text() const;
  std::vector<io::NamedVector<Scalar const, Space>> checkpoint_vectors() const;

  void initialize();

  RunConfig config_;
  Interruption interrupted_;
  TrainingData data_;
  Transformer<Scalar, Space> model_;
  Context<Space> context_, vectors_;  // the latter for algebra on this rank's vectors
  growth::DepthGrowth<Scalar, Space> growth_;
  TokenStream<Scalar, Space> stream_, validation_;
  std::optional<TransformerWorkspace<Scalar, Space>> workspace_;
  ShardedParameters<Scalar, Space> theta_;
  Vector<Scalar, Space> gradient_;
  std::unique_ptr<RankSum<Scalar, Space>> sum_;
  std::unique_ptr<optim::Optimizer<Scalar, Space>> optimizer_;
  std::unique_ptr<TokenStream<Scalar, Space>> probe_stream_;
  std::unique_ptr<CurvatureProbe<Scalar, Space>> probe_;
  optim::OutlierDetector loss_outliers_, gradient_outliers_;
  std::optional<double> best_validation_loss_;
  optim::Cdat cdat_;
  std::unique_ptr<LineModel<Scalar, Space>> line_;  // with cdat only
  std::optional<double> threshold_ratio_;           // of the step before
  Index step_ = 0;
};

}  // namespace kyrtos
