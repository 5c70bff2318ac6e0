// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/parallel/communicator.hpp>
#include <kyrtos/train/step_report.hpp>

#include <string>
#include <vector>

namespace kyrtos {

/// The record of a run in its directory, written by rank 0.
///
/// `metrics.jsonl` grows by one JSON object a step and is flushed each time: it is what a killed
/// run leaves. `run.h5` holds the same as columns: a group `metrics` with one 1-D dataset a key
/// and one value a step (NaN where a step has none; `quality` as a fixed-length string), and the
/// attributes `format` ("kyrtos run"), `version`, `config` (TOML). It is written anew, beside and
/// renamed, by save(), so it is whole at any time.
class RunRecord {
 public:
  /// Starts a record, or goes on with one: what it holds of steps after `last_step` is dropped (a
  /// run that resumes from an older checkpoint takes them again). Collective.
  /// \throws FileError when the directory can't be made or written, or a line can't be read.
  RunRecord(Communicator const& communicator, std::string const& directory,
            std::string const& config, Index last_step);

  /// Appends one step. \throws FileError, for instance on a full disk; the steps before are safe.
  void append(StepReport const& report);

  /// Brings `run.h5` up to date.
  void save();

  std::string jsonl_path() const { return directory_ + "/metrics.jsonl"; }
  std::string hdf5_path() const { return directory_ + "/run.h5"; }

 private:
  Communicator communicator_;
  std::string directory_, config_;
};

/// The object of one step, on one line without a newline. Keys: step, loss, validation_loss (where
/// taken), gradient_norm, learning_rate, active_depth, lambda, residual, threshold_ratio, quality,
/// hvps, loss_z, gradient_z, skipped, tokens, tokens_per_s, seconds. What is not finite or was not
/// measured is left out.
std::string to_json(StepReport const& report);

/// \throws FileError when the line is no such object.
StepReport from_json(std::string const& line);

/// All steps of a run, from `run.h5` or `metrics.jsonl` or their directory. Not collective.
std::vector<StepReport> read_run(std::string const& path);

}  // namespace kyrtos
