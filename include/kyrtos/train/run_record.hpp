// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/train/step_report.hpp>

#include <string>
#include <vector>

namespace kyrtos::train {

/// The record of a run in its directory, written by rank 0. Collective, every function.
///
/// `metrics.jsonl` grows by one JSON object a step and is flushed each time: it is what a killed
/// run leaves. `run.h5` holds the same as columns: a group `metrics` with one 1-D dataset of
/// float64 for each key and one value a step (NaN where a step has none; flags are 0 or 1; but
/// `quality` is a string of fixed length, and an object is a group of such datasets), and the
/// attributes `format` ("kyrtos run"), `version`, `writer`, `config` (TOML). It is written anew,
/// beside and renamed, by save(), so it is whole at any time.
class RunRecord {
 public:
  /// Starts a record, or goes on with one: what it holds of steps after `last_step` is dropped (a
  /// run that resumes from an older checkpoint takes them again), and so is a last line that was
  /// cut off when the program was killed. \throws FileError when the directory can't be made or
  /// written, or a line can't be read.
  RunRecord(Communicator const& communicator, std::string const& directory,
            std::string const& config, Index last_step);

  /// Appends one step, and those before it that could not be written. \throws FileError, for
  /// instance on a full disk: then the file stays as it was, and the next call tries again.
  void append(StepReport const& report);

  /// Appends the steps that could not be written, all or none. \throws FileError
  void flush();

  /// Brings `run.h5` up to date.
  void save();

  std::string jsonl_path() const { return directory_ + "/metrics.jsonl"; }
  std::string hdf5_path() const { return directory_ + "/run.h5"; }

 private:
  Communicator communicator_;
  std::string directory_, config_;
  std::vector<StepReport> reports_;  // on rank 0
  std::string unwritten_;            // lines, on rank 0
};

/// The object of one step, on one line without a newline. Keys: step, loss, validation_loss (where
/// taken), gradient_norm, learning_rate, active_depth, lambda, residual, threshold_ratio,
/// small_batch_ratio, lambda_reference, lambda_held_out, lambda_held_out_error, precision_error,
/// product_error, hvps, edge_of_stability, quality, update_slope, update_curvature,
/// directional_ratio, predicted_change, actual_change, rms_ratio, weight_norm, update_norm, loss_z,
/// gradient_z, skipped, largest_logit, clipped_heads, tokens, seconds,
/// tokens_per_s, and the objects mass and part_lambda (by part of the model), weight_norms and
/// update_norms (by tensor). What is not finite or was not measured is left out; numbers come back
/// as they were, to the last bit.
std::string to_json(StepReport const& report);

/// Reads such an object; keys that it does not know may stand there too. A number that was left out
/// is NaN. \throws FileError when the line is no JSON object, has no step, or a key has a value of
/// another type.
StepReport from_json(std::string const& line);

/// All steps of a run, from `run.h5` or `metrics.jsonl`, or from their directory, where the latter
/// is ahead of the former. Not collective. \throws FileError
std::vector<StepReport> read_run(std::string const& path);

}  // namespace kyrtos::train
