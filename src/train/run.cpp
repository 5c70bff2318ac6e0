// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/run.hpp>
#include <kyrtos/train/run_record.hpp>
#include <kyrtos/train/trainer.hpp>

#include <filesystem>
#include <fstream>
#include <optional>
#include <sstream>

namespace kyrtos {

namespace fs = std::filesystem;

namespace {

std::string checkpoint_directory(std::string const& run) {
  return run + "/checkpoints";
}

/// Makes the directory on rank 0. \throws FileError on every rank when it can't be had.
void prepare_directory(Communicator const& ranks, std::string const& directory, Resume resume) {
  std::string fault;
  if (ranks.is_root()) {
    std::error_code error;
    fs::create_directories(checkpoint_directory(directory), error);
    if (error)
      fault = directory + ": can't be made: " + error.message() + "; choose output.directory";
    else if (resume == Resume::never && fs::exists(directory + "/metrics.jsonl"))
      fault = directory +
              ": holds a run already; go on with it by --resume, or choose another "
              "output.directory";
  }
  fault = ranks.broadcast(fault);
  if (!fault.empty()) throw FileError(fault);
}

/// True on all ranks when the file is there, which is then removed.
bool take_request(Communicator const& ranks, std::string const& file) {
  std::error_code ignored;
  return ranks.any(ranks.is_root() && fs::remove(file, ignored));
}

/// What rank 0 sees, for file systems whose ranks may disagree for a moment.
std::vector<std::string> list_on_root(Communicator const& ranks, std::string const& directory) {
  std::string lines;
  if (ranks.is_root())
    for (auto const& path : io::list_checkpoints(directory)) lines += path + "\n";
  std::istringstream text(ranks.broadcast(lines));
  std::vector<std::string> paths;
  for (std::string line; std::getline(text, line);) paths.push_back(line);
  return paths;
}

void write_config(Communicator const& ranks, RunConfig const& config) {
  if (!ranks.is_root()) return;
  std::ofstream file(config.output.directory + "/config.toml");
  file << to_toml(config);
}

/// A training run in its directory.
template <class Scalar, class Space>
class Run {
 public:
  Run(Context<Space> const& context, RunConfig const& config, RunOptions const& options,
      RunObserver& observer)
      : ranks_(context.communicator()),
        config_(config),
        options_(options),
        observer_(observer),
        trainer_(context, config) {
    prepare_directory(ranks_, config.output.directory, options.resume);
    RunPlan plan;
    if (options.resume != Resume::never) resume(plan);
    record_.emplace(ranks_, config.output.directory, to_toml(config), trainer_.steps_done());
    write_config(ranks_, config);
    plan.parameters = trainer_.model().layout().size();
    plan.first_step = trainer_.steps_done();
    plan.step_flops = trainer_.step_flops();
    if (trainer_.probe() != nullptr) plan.product_flops = trainer_.probe()->product_flops();
    observer_.started(plan);
  }

  RunResult execute() {
    RunResult result;
    while (!trainer_.is_finished() && result.reason.empty()) {
      try {
        take_step();
      } catch (NumericalError const& error) {
        result.end = RunResult::End::diverged;
        result.reason = error.what();
        break;
      }
      if (stop_requested()) {
        result.end = RunResult::End::stopped;
        result.reason = "asked to stop after step " + std::to_string(trainer_.steps_done());
      }
    }
    result.checkpoint = save();
    result.steps = trainer_.steps_done();
    return result;
  }

 private:
  void take_step() {
    auto report = trainer_.step();
    auto const& c = config_.training;
    bool const evaluates =
        c.evaluate_every > 0 && (report.step % c.evaluate_every == 0 || trainer_.is_finished());
    if (evaluates) report.validation_loss = trainer_.validation_loss();
    record_->append(report);
    observer_.stepped(report);
    Index const every = config_.output.checkpoint_every;
    bool const is_due = every > 0 && report.step % every == 0 && !trainer_.is_finished();
    if (take_request(ranks_, config_.output.directory + "/checkpoint_now") || is_due) save();
  }

  bool stop_requested() {
    bool const by_file = take_request(ranks_, config_.output.directory + "/stop");
    return ranks_.any(options_.should_stop()) || by_file;
  }

  /// From the newest checkpoint that is whole. Newer ones that are not are put aside, so that they
  /// neither count among those to keep nor are lost.
  void resume(RunPlan& plan) {
    auto const directory = checkpoint_directory(config_.output.directory);
    std::vector<std::string> damaged;
    for (auto const& path : list_on_root(ranks_, directory)) {
      try {
        trainer_.restore(io::CheckpointReader(ranks_, path));
        plan.resumed_from = path;
        break;
      } catch (FileError const& error) {
        damaged.push_back(path);
        plan.not_used += (plan.not_used.empty() ? "" : "\n") + std::string(error.what());
      }
    }
    if (plan.resumed_from.empty() && !damaged.empty())
      throw FileError("no checkpoint in " + directory + " can be used:\n" + plan.not_used);
    if (plan.resumed_from.empty() && options_.resume == Resume::must)
      throw FileError(directory + ": holds no checkpoint to resume from");
    std::error_code ignored;
    if (ranks_.is_root())
      for (auto const& path : damaged) fs::rename(path, path + ".damaged", ignored);
  }

  std::string save() {
    auto const directory = checkpoint_directory(config_.output.directory);
    auto const path = io::checkpoint_path(directory, trainer_.steps_done());
    trainer_.save(path);
    record_->save();
    remove_old(directory);
    observer_.saved(path);
    return path;
  }

  void remove_old(std::string const& directory) {
    auto const keep = static_cast<std::size_t>(config_.output.keep_checkpoints);
    if (keep == 0 || !ranks_.is_root()) return;
    auto const all = io::list_checkpoints(directory);
    std::error_code ignored;
    for (std::size_t i = keep; i < all.size(); ++i) fs::remove(all[i], ignored);
  }

  Communicator ranks_;
  RunConfig config_;
  RunOptions const& options_;
  RunObserver& observer_;
  Trainer<Scalar, Space> trainer_;
  std::optional<RunRecord> record_;
};

}  // namespace

template <class Scalar, class Space>
RunResult run_training(Context<Space> const& context, RunConfig const& config,
                       RunOptions const& options, RunObserver& observer) {
  return Run<Scalar, Space>(context, config, options, observer).execute();
}

std::string find_checkpoint(std::string const& path) {
  if (!fs::is_directory(path)) return path;
  for (auto const& directory : {checkpoint_directory(path), path}) {
    auto const found = io::list_checkpoints(directory);
    if (!found.empty()) return found.front();
  }
  throw FileError(path + ": holds no checkpoint (step-<number>.h5)");
}

#define KYRTOS_RUN_TRAINING_FOR(SCALAR, SPACE)                                            \
  template RunResult run_training<SCALAR, SPACE>(Context<SPACE> const&, RunConfig const&, \
                                                 RunOptions const&, RunObserver&);
#define KYRTOS_RUN_TRAINING(SPACE)      \
  KYRTOS_RUN_TRAINING_FOR(float, SPACE) \
  KYRTOS_RUN_TRAINING_FOR(double, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_RUN_TRAINING)

}  // namespace kyrtos
