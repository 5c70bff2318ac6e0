// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/gemm_rate.hpp>
#include <kyrtos/train/run.hpp>

#include "command.hpp"
#include "profile_table.hpp"
#include "status.hpp"

#include <csignal>
#include <fmt/core.h>
#include <optional>

namespace kyrtos::program {

namespace {

struct TrainOptions {
  std::string config;
  std::vector<std::string> overrides;
  bool resume = false, help_config = false, profile = false;
};

volatile std::sig_atomic_t signal_seen = 0;

/// SIGTERM and SIGINT end the run after its present step, with a checkpoint; a second SIGINT ends
/// it at once.
void listen_to_signals() {
  std::signal(SIGTERM, [](int) { signal_seen = 1; });
  std::signal(SIGINT, [](int) {
    signal_seen = 1;
    std::signal(SIGINT, SIG_DFL);
  });
}

int exit_code(RunResult const& result) {
  switch (result.end) {
    case RunResult::End::diverged:
      return diverged;
    case RunResult::End::stopped:
      return signal_seen != 0 ? to_be_continued : 0;
    case RunResult::End::finished:
      break;
  }
  return 0;
}

template <class Scalar>
int train(MPI_Comm ranks, RunConfig const& config, RunOptions const& options, bool is_profiled) {
  Context<Space> const context(ranks, {.gpu_aware_mpi = config.parallel.gpu_aware_mpi});
  double const rate = linalg::measure_gemm_rate<Scalar>(context);
  bool const is_root = context.communicator().is_root();
  Status status(config, is_root, rate * context.communicator().size());
  std::optional<perf::Profile> profile;
  if (is_profiled) context.observe(&profile.emplace("kyrtos::Trainer::step"));
  auto const result = run_training<Scalar>(context, config, options, status);
  context.observe(nullptr);
  status.finished(result);
  if (profile && is_root)
    fmt::print("{}", profile_table(perf::to_json(*profile), "training step", {.flops = rate}));
  return exit_code(result);
}

int train(MPI_Comm ranks, TrainOptions const& o) {
  auto const config = load_config(o.config, o.overrides);
  RunOptions options;
  options.resume = o.resume ? Resume::if_there : Resume::never;
  options.should_stop = [] { return signal_seen != 0; };
  listen_to_signals();
  return config.training.precision == Precision::float64
             ? train<double>(ranks, config, options, o.profile)
             : train<float>(ranks, config, options, o.profile);
}

}  // namespace

void add_train(CLI::App& app, Action& action) {
  auto const options = std::make_shared<TrainOptions>();
  auto* const command = app.add_subcommand("train", "Train a model and follow its curvature");
  command->add_option("config", options->config, "TOML file that says what to train")
      ->required()
      ->check(CLI::ExistingFile);
  command
      ->add_option("--set", options->overrides,
                   "Replaces a value of the file: section.key=value; may be given again")
      ->allow_extra_args(false)
      ->take_all();
  command->add_flag("--resume", options->resume,
                    "Go on from the newest good checkpoint of output.directory; start where there "
                    "is none");
  command->add_flag("--profile", options->profile,
                    "At the end, say where the time of a step went, by layer and pass; waiting "
                    "after each of them costs some speed on devices");
  command->add_flag_callback(
      "--help-config",
      [] {
        fmt::print("{}", config_reference());
        throw CLI::Success();
      },
      "List all keys of the file with defaults, ranges and meaning");
  command->footer(
      "While it runs, `touch DIRECTORY/stop` ends it with a checkpoint and `touch "
      "DIRECTORY/checkpoint_now` takes one.");
  command->callback([options, &action] {
    action.on_ranks = [options](MPI_Comm ranks) { return train(ranks, *options); };
  });
}

}  // namespace kyrtos::program
