// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/io/asynchronous_writer.hpp>
#include <kyrtos/train/config_change.hpp>
#include <kyrtos/train/configured_trainer.hpp>
#include <kyrtos/train/run_parts.hpp>

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kyrtos::train {

/// A training run as its configuration says: data, schedule, growth and checkpoints around a
/// Trainer. Knows nothing of directories and screens: that is run_training()'s.
///
/// All state that steps depend on goes through save() and restore(), so that a restored run takes
/// the same steps, bit by bit on as many ranks. Every function is collective.
template <class Scalar, class Space>
class Run {
 public:
  using ConstVector = VectorView<Scalar const, Space>;

  /// Opens the data and draws the initial parameters.
  /// \param interrupted cuts short what a step does not need: validation and measurements.
  /// \throws ConfigError, FileError.
  Run(Context<Space> const& context, RunConfig const& config,
      Interruption interrupted = never_interrupted);

  /// One step. \throws NumericalError, before anything has changed, when the loss or the gradient
  /// is not finite: the state is then the last good one, and may be saved.
  StepReport step();

  /// Mean loss over `training.evaluation_batches` batches of the validation data, each time the
  /// same; nothing when it was interrupted. Leaves the state alone.
  std::optional<double> validation_loss();

  /// Whether a validation loss is lower than all that this was asked about, since the run's start.
  bool is_best(double validation_loss);

  Index steps_done() const { return step_; }
  bool is_finished() const { return step_ >= config().training.steps; }

  /// \throws FileError
  void save(std::string const& path) const;
  /// Starts it, and leaves the rest to `writer`. \throws FileError
  void save(std::string const& path, io::AsynchronousWriter<Scalar, Space>& writer) const;
  std::uint64_t checkpoint_bytes() const;
  /// Parameters, optimiser, tracker and the rest as saved; the configuration stays this one.
  /// \param allowed keys, or tables of keys, that may differ from the checkpoint's configuration
  /// although the steps to come will depend on it: KeyRole::step and KeyRole::run.
  /// \return all that differs, also in the data's content.
  /// \throws ConfigError, before anything is read, as require_allowed(); FileError.
  std::vector<ConfigChange> restore(io::CheckpointReader const& checkpoint,
                                    std::vector<std::string> const& allowed = {});
  /// The parameters alone, of a checkpoint of any origin, before the first step. \throws FileError
  /// as restore(), and naming the setting of [model] by which they would mean something else.
  void start_from(io::CheckpointReader const& checkpoint);

  /// What save() writes: views, which the next step changes.
  struct Snapshot {
    io::CheckpointText text;
    std::vector<io::NamedVector<Scalar const, Space>> vectors;
  };
  Snapshot snapshot() const;
  /// The tokens of a step's batch, of all ranks; counted from 1. Not collective. \throws FileError
  io::TokenBatch batch_of(Index step) const { return stream_.whole_batch(step - 1); }

  RunConfig const& config() const { return configured_.config; }
  model::Transformer<Scalar, Space> const& model() const { return configured_.model; }
  /// Those that this rank moves: all of them, or its slices.
  ConstVector parameters() const { return configured_.theta.own().local(); }
  Trainer<Scalar, Space>& trainer() { return configured_.trainer; }
  /// Null when curvature is off.
  CurvatureProbe<Scalar, Space>* probe() { return configured_.trainer.probe(); }
  Index active_depth() const { return configured_.growth.depth(); }
  /// What the last step read on this rank; those of weight 0 are fillers.
  std::vector<Batch<Scalar, Space>> batches() const { return stream_.batches(); }

  /// As ConfiguredTrainer's.
  double step_flops() const { return configured_.step_flops(); }
  double product_flops() const { return configured_.product_flops(); }

 private:
  void watch();
  std::vector<Batch<Scalar, Space>> check_batch(Index i);

  Interruption interrupted_;
  TrainingData data_;
  std::map<std::string, std::string> content_;  // of the data's files, by key
  bool chooses_probe_;                          // its size, by batch and ranks
  ConfiguredTrainer<Scalar, Space> configured_;
  TokenStream<Scalar, Space> stream_, validation_;
  std::optional<TokenStream<Scalar, Space>> probe_stream_, check_stream_;
  std::optional<double> best_validation_loss_;
  Index step_ = 0;
};

}  // namespace kyrtos::train
