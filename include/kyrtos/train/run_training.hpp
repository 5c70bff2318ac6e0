// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/train/config_change.hpp>
#include <kyrtos/train/step_report.hpp>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kyrtos::train {

/// What a run will cost, known before its first step.
struct RunPlan {
  Index parameters = 0;
  Index first_step = 0;                    ///< Steps done before, by the run that is resumed.
  std::string resumed_from;                ///< A checkpoint; empty for a new run.
  double step_flops = 0;                   ///< Of a training step, over all ranks.
  double product_flops = 0;                ///< Of a product on the probe, over all ranks.
  Index probe_sequences = 0;               ///< Over all ranks; 0 without curvature.
  std::string not_used = {};               ///< Why newer checkpoints were passed over, for people.
  std::vector<ConfigChange> changes = {};  ///< Since the checkpoint was written.
  std::string taken_over = {};  ///< Whose lock of the directory was found and replaced, for people.
  std::optional<double> seconds_left = {};  ///< Until the time limit.
};

/// Hears what a run does, on every rank. Nothing here may throw.
class RunObserver {
 public:
  virtual ~RunObserver() = default;
  /// On rank 0, before anything else: another's lock of the directory may be a dead run's.
  virtual void waiting(std::string const& /*why*/) {}
  virtual void started(RunPlan const&) {}
  virtual void stepped(StepReport const&) {}
  virtual void saved(std::string const& /*checkpoint*/) {}
  /// An alarm was raised; the states before it lie in the directory.
  virtual void recorded(std::string const& /*directory*/) {}
  /// Something could not be written; the run goes on, and tries again with the next checkpoint.
  virtual void failed_to_write(std::string const& /*why*/) {}
};

enum class Resume {
  never,     ///< A directory that holds a run already is an error.
  if_there,  ///< From the newest good checkpoint of the directory, or from the start.
  must,      ///< It is an error when there is none.
};

struct RunOptions {
  Resume resume = Resume::never;
  /// Keys, or tables of keys, that may differ from those of the checkpoint although steps depend on
  /// them (train/config_change.hpp).
  std::vector<std::string> allowed_changes = {};
  /// Asked on every rank before each step, between batches of a validation and between products of
  /// the tracker; true on any rank stops the run with a checkpoint.
  std::function<bool()> should_stop = [] { return false; };
  /// When the job ends that the run is part of: it then stops early enough for a checkpoint.
  std::optional<std::chrono::system_clock::time_point> job_end = {};
};

struct RunResult {
  enum class End {
    finished,     ///< All steps are done.
    stopped,      ///< For good, by the file `stop`.
    interrupted,  ///< By should_stop or for want of time: to be resumed.
    diverged,     ///< Loss or gradient were not finite; the last good state is saved.
  } end = End::finished;
  Index steps = 0;
  std::string checkpoint;  ///< Of its last state.
  std::string reason;      ///< For people, unless finished.
};

/// Trains as the configuration says, in `output.directory`: `config.toml`, `metrics.jsonl`,
/// `run.h5` and `checkpoints/step-<number>.h5`. A run that resumes keeps `config.toml` and adds
/// what changed to `resumes.jsonl` (train/run_history.hpp). Creating a file `stop` there stops the
/// run with a checkpoint, `checkpoint_now` takes one; both files are removed when they have been
/// honoured.
///
/// One run at a time has a directory: rank 0 holds the file `lock` there, which names it. That of a
/// run that was killed is taken over, at once where this is certain, else after a minute without a
/// sign of life. Old checkpoints are removed where this run wrote them, others never.
///
/// Nothing done is lost to what comes later: records are appended, checkpoints complete or absent,
/// and a run never starts over in the directory of another. A disk without room for the checkpoints
/// to come is an error before the first step. Where one that fills up later refuses something, the
/// run goes on and writes it with the next checkpoint; only the last one must succeed. Collective.
/// \throws Error as Run and the io room do.
template <class Scalar, class Space>
RunResult run_training(Context<Space> const& context, RunConfig const& config,
                       RunOptions const& options, RunObserver& observer);

/// A file itself; of a directory the newest checkpoint in it or in its `checkpoints`.
/// \throws FileError when there is none.
std::string find_checkpoint(std::string const& path);

}  // namespace kyrtos::train
