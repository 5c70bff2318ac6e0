// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/damaged_file_error.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/train/run.hpp>
#include <kyrtos/train/run_history.hpp>
#include <kyrtos/train/run_record.hpp>
#include <kyrtos/train/run_training.hpp>

#include "checkpoint_directory.hpp"
#include "core/seconds_since.hpp"
#include "flight_recorder.hpp"
#include "run_lock.hpp"
#include "stop_request.hpp"

#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <optional>
#include <utility>

namespace kyrtos::train {

namespace fs = std::filesystem;

namespace {

std::string checkpoints_of(std::string const& run) {
  return run + "/checkpoints";
}

std::string record_of(std::string const& run) {
  return run + "/metrics.jsonl";
}

void make_directory(std::string const& directory) {
  std::error_code error;
  fs::create_directories(checkpoints_of(directory), error);
  if (error)
    throw FileError(directory + ": can't be made: " + error.message() +
                    "; choose output.directory");
}

bool has_record(std::string const& directory) {
  return fs::exists(record_of(directory)) || fs::exists(directory + "/run.h5");
}

bool has_checkpoints(std::string const& directory) {
  auto const files = fs::directory_iterator(checkpoints_of(directory));
  return std::any_of(begin(files), end(files),
                     [](auto const& entry) { return entry.path().extension() == ".h5"; });
}

/// True on all ranks when the file is there, which is then removed.
bool take_request(Communicator const& ranks, std::string const& file) {
  std::error_code ignored;
  return ranks.any(ranks.is_root() && fs::remove(file, ignored));
}

/// A run in its directory, from its first step in this process to its last.
template <class Scalar, class Space>
class Execution {
 public:
  Execution(Context<Space> const& context, RunConfig const& config, RunOptions const& options,
            RunObserver& observer)
      : ranks_(context.communicator()),
        config_(config),
        observer_(observer),
        stop_(ranks_, config.stop, options),
        checkpoints_(ranks_, checkpoints_of(config.output.directory),
                     config.output.keep_checkpoints),
        run_(context, config, [this] { return stop_.is_overdue(); }) {
    require_keys(options.allowed_changes);
    RunPlan plan;
    take_directory(plan, options.resume);
    if (options.resume != Resume::never) resume(plan, options.resume, options.allowed_changes);
    if (plan.resumed_from.empty()) require_no_checkpoints();
    if (plan.resumed_from.empty() && !config.training.start.empty())
      run_.start_from(io::CheckpointReader(ranks_, find_checkpoint(config.training.start)));
    if (config.output.asynchronous) writer_.emplace(ranks_);
    if (config.recorder.states > 0) recorder_.emplace(context, config);
    if (!run_.is_finished())
      checkpoints_.require_room(checkpoints_to_come(), run_.checkpoint_bytes());
    write_history(plan);
    record_.emplace(ranks_, config.output.directory, to_toml(config), run_.steps_done());
    plan.parameters = run_.model().layout().size();
    plan.first_step = first_step_ = run_.steps_done();
    plan.step_flops = run_.step_flops();
    plan.seconds_left = stop_.seconds_left();
    if (run_.probe() != nullptr) {
      plan.product_flops = run_.product_flops();
      plan.probe_sequences = run_.config().curvature.probe_sequences;
    }
    observer_.started(plan);
  }

  RunResult execute() {
    RunResult result;
    try {
      while (!run_.is_finished() && !is_stopped(result)) take_step();
    } catch (NumericalError const& error) {
      result.end = RunResult::End::diverged;
      result.reason = error.what();
      attempt([&] {
        if (recorder_) tell(recorder_->alarm(run_, run_.steps_done() + 1, error.what()));
      });
    }
    save();
    complete();
    result.checkpoint = checkpoints_.path_of(run_.steps_done());
    result.steps = run_.steps_done();
    return result;
  }

 private:
  /// \throws FileError on every rank when the directory can't be had.
  void take_directory(RunPlan& plan, Resume resume) {
    auto const& directory = config_.output.directory;
    parallel::on_root<FileError>(ranks_, [&] {
      make_directory(directory);
      lock_.emplace(directory, LockTimes(),
                    [this](std::string const& why) { observer_.waiting(why); });
      if (resume == Resume::never && has_record(directory))
        throw FileError(directory +
                        ": holds a run already; go on with it by --resume, or choose another "
                        "output.directory");
    });
    plan.taken_over = ranks_.broadcast(lock_ ? lock_->taken_over() : "");
    checkpoints_.clean();
  }

  /// A run that begins would count them among its own, or write over them.
  void require_no_checkpoints() const {
    auto const& directory = config_.output.directory;
    parallel::on_root<FileError>(ranks_, [&] {
      if (!has_record(directory) && has_checkpoints(directory))
        throw FileError(checkpoints_.path() +
                        ": holds checkpoints, but no run is recorded beside it; move them away, "
                        "choose another output.directory, or go on from the newest by --resume");
    });
  }

  void require_lock() const {
    if (ranks_.any(lock_ && lock_->is_lost()))
      throw FileError(config_.output.directory +
                      "/lock: is gone, or another run's, so this run ends and writes nothing more; "
                      "go on by --resume when no other run has this directory");
  }

  /// Before a step: whether it shall not be taken, and why.
  bool is_stopped(RunResult& result) {
    require_lock();
    if (stop_.is_made()) {
      // A next job would do no better, nor the one after it.
      if (stop_.is_for_time() && run_.steps_done() == first_step_)
        throw ConfigError(stop_.reason() +
                          ": too little for a single step; ask for more time, or lower "
                          "stop.time_reserve");
      result.end = RunResult::End::interrupted;
      result.reason = stop_.reason();
    } else if (take_request(ranks_, config_.output.directory + "/stop")) {
      result.end = RunResult::End::stopped;
      result.reason = "asked to stop by the file `stop`";
    }
    return result.end != RunResult::End::finished;
  }

  void take_step() {
    auto const start = std::chrono::steady_clock::now();
    if (recorder_) recorder_->before_step(run_);
    auto report = run_.step();
    auto const& c = config_.training;
    bool const evaluates =
        c.evaluate_every > 0 && (report.step % c.evaluate_every == 0 || run_.is_finished());
    if (evaluates) report.validation_loss = run_.validation_loss();
    stop_.took_step(seconds_since(start));
    attempt([&] { record_->append(report); });
    observer_.stepped(report);
    attempt([&] {
      if (recorder_) tell(recorder_->after_step(run_, report));
    });
    Index const every = config_.output.checkpoint_every;
    bool const is_due = every > 0 && report.step % every == 0 && !run_.is_finished();
    bool const is_asked = take_request(ranks_, config_.output.directory + "/checkpoint_now");
    bool const is_best =
        config_.output.keep_best && report.validation_loss && run_.is_best(*report.validation_loss);
    attempt([&] {
      if (saving_ && writer_->is_done()) complete();
    });
    if (is_asked || is_due || is_best) attempt([&] { save(is_best); });
  }

  void write_history(RunPlan const& plan) const {
    auto const& directory = config_.output.directory;
    parallel::on_root<FileError>(ranks_, [&] {
      if (plan.resumed_from.empty())
        begin_history(directory, config_, fs::exists(record_of(directory)));
      else
        continue_history(directory, config_, {run_.steps_done(), plan.changes});
    });
  }

  Index checkpoints_to_come() const {
    Index const steps = config_.training.steps - run_.steps_done();
    Index const every = config_.output.checkpoint_every;
    return every > 0 ? (steps + every - 1) / every : 1;
  }

  /// From the newest checkpoint that is whole; newer ones that are damaged are put aside. One that
  /// can't be read for another reason may be as good as ever: going on from an older one would lose
  /// steps.
  void resume(RunPlan& plan, Resume resume, std::vector<std::string> const& allowed) {
    std::vector<std::string> damaged;
    std::string fault;  // of the newest
    auto const files = checkpoints_.list();
    for (auto const& path : files) {
      try {
        plan.changes = run_.restore(io::CheckpointReader(ranks_, path), allowed);
        plan.resumed_from = path;
        break;
      } catch (io::DamagedFileError const& error) {
        if (damaged.empty()) fault = error.what();
        damaged.push_back(path);
        plan.not_used += (plan.not_used.empty() ? "" : "\n") + std::string(error.what());
      } catch (FileError const& error) {
        throw FileError(std::string(error.what()) +
                        "; to go on from the checkpoint before it, move it away");
      }
    }
    if (plan.resumed_from.empty() && !damaged.empty())
      throw FileError(fmt::format("none of the {} checkpoints in {} can be used; the newest: {}",
                                  damaged.size(), checkpoints_.path(), fault));
    if (plan.resumed_from.empty() && resume == Resume::must)
      throw FileError(checkpoints_.path() + ": holds no checkpoint to resume from");
    if (!plan.resumed_from.empty()) saved_step_ = run_.steps_done();
    // Without a record they may be copies of another run's.
    if (ranks_.any(ranks_.is_root() && has_record(config_.output.directory)))
      std::for_each(files.rbegin(), files.rend() - static_cast<std::ptrdiff_t>(damaged.size()),
                    [this](auto const& path) { checkpoints_.add(path); });
    checkpoints_.put_aside(damaged);
  }

  /// Does what may fail now and succeed later, when there is room on the disk again.
  template <class Work>
  void attempt(Work const& work) {
    try {
      work();
    } catch (FileError const& error) {
      if (fault_ != error.what()) observer_.failed_to_write(error.what());
      fault_ = error.what();
    }
  }

  void tell(std::optional<std::string> const& recording) {
    if (recording) observer_.recorded(*recording);
  }

  /// Saves this state, or begins to, where checkpoints are asynchronous. The record first: of a
  /// state that is saved it must know the steps.
  void save(bool is_best = false) {
    if (lock_) lock_->renew();
    require_lock();
    record_->flush();
    attempt([&] { complete(); });  // the one before, which may fail
    Index const step = run_.steps_done();
    if (saved_step_ != step) {
      auto const start = std::chrono::steady_clock::now();
      auto const path = checkpoints_.path_of(step);
      writer_ ? run_.save(path, *writer_) : run_.save(path);
      saving_ = {step, is_best, seconds_since(start)};
      if (!writer_) complete();
    }
    record_->save();
  }

  /// Waits until the state that is being saved is safe.
  void complete() {
    if (!saving_) return;
    auto const [step, is_best, seconds] = *std::exchange(saving_, std::nullopt);
    if (writer_) writer_->finish();
    stop_.took_checkpoint(writer_ ? writer_->seconds() : seconds);
    saved_step_ = step;
    auto const path = checkpoints_.path_of(step);
    checkpoints_.add(path);
    checkpoints_.remove_old();
    observer_.saved(path);
    if (is_best) checkpoints_.keep_as_best(path);
    fault_.clear();
  }

  struct Saving {
    Index step;
    bool is_best;
    double seconds;  // so far
  };

  Communicator ranks_;
  std::optional<RunLock> lock_;  // of the directory, on rank 0; the last to go
  RunConfig config_;
  RunObserver& observer_;
  StopRequest stop_;
  CheckpointDirectory checkpoints_;
  Run<Scalar, Space> run_;
  std::optional<RunRecord> record_;
  Index first_step_ = 0;
  std::optional<io::AsynchronousWriter<Scalar, Space>> writer_;  // if checkpoints are asynchronous
  std::optional<FlightRecorder<Scalar, Space>> recorder_;
  std::optional<Saving> saving_;     // begun, perhaps not complete
  std::optional<Index> saved_step_;  // of the newest checkpoint
  std::string fault_;                // the last that the observer was told of
};

}  // namespace

template <class Scalar, class Space>
RunResult run_training(Context<Space> const& context, RunConfig const& config,
                       RunOptions const& options, RunObserver& observer) {
  return Execution<Scalar, Space>(context, config, options, observer).execute();
}

std::string find_checkpoint(std::string const& path) {
  std::error_code none;
  if (!fs::is_directory(path, none)) return path;
  for (auto const& directory : {checkpoints_of(path), path}) {
    auto const found = io::list_checkpoints(directory);
    if (!found.empty()) return found.front();
  }
  throw FileError(path + ": holds no checkpoint (step-<number>.h5)");
}

#define KYRTOS_RUN_TRAINING(SCALAR, SPACE)                                                \
  template RunResult run_training<SCALAR, SPACE>(Context<SPACE> const&, RunConfig const&, \
                                                 RunOptions const&, RunObserver&);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_RUN_TRAINING)

}  // namespace kyrtos::train
