// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/gemm_rate.hpp>
#include <kyrtos/train/resources.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/run_training.hpp>

#include "../bench/profile_table.hpp"
#include "../common/memory.hpp"
#include "signals.hpp"
#include "status.hpp"

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <fmt/core.h>
#include <optional>
#include <string_view>

namespace kyrtos::program {

namespace {

struct TrainOptions {
  std::string config;
  std::vector<std::string> overrides, allowed_changes;
  bool resume = false, help_config = false, profile = false;
};

/// When the job ends, as a batch script (KYRTOS_END_TIME) or SLURM says, in seconds since 1970.
std::optional<std::chrono::system_clock::time_point> job_end() {
  constexpr long long last = 9'000'000'000;  // year 2255: clocks that count nanoseconds end in 2262
  for (char const* name : {"KYRTOS_END_TIME", "SLURM_JOB_END_TIME"}) {
    char const* const text = std::getenv(name);
    if (text == nullptr || *text == '\0' || std::string_view(text) == "UNLIMITED") continue;
    char* end = nullptr;
    long long const seconds = std::strtoll(text, &end, 10);
    if (*end != '\0' || seconds <= 0 || seconds > last)
      throw ConfigError(fmt::format(
          "{}={}: must be the time when the job ends, in seconds since 1970", name, text));
    return std::chrono::system_clock::from_time_t(static_cast<std::time_t>(seconds));
  }
  return std::nullopt;
}

int exit_code(train::RunResult const& result) {
  switch (result.end) {
    case train::RunResult::End::diverged:
      return diverged;
    case train::RunResult::End::interrupted:
      return to_be_continued;
    case train::RunResult::End::stopped:
    case train::RunResult::End::finished:
      break;
  }
  return 0;
}

/// Better before the first step than in the midst of it.
template <class Scalar>
void check_memory(Context<Space> const& context, train::RunConfig const& config) {
  int const ranks = context.communicator().size();
  auto const work = train::resources_of<Scalar>(context, config, ranks, config.model.depth);
  require_memory(context, work.memory_bytes, "this run",
                 "lower training.micro_batch, training.batch, training.length or the sizes of "
                 "[model]; `kyrtos plan` says what takes how much");
}

template <class Scalar>
int train(MPI_Comm ranks, train::RunConfig const& config, train::RunOptions const& options,
          bool is_profiled) {
  auto const context = train::with_precision(Context<Space>(ranks, config.parallel.context()),
                                             config.training.precision);
  check_memory<Scalar>(context, config);
  constexpr Index size = 1024;  // near enough to the peak, and soon done
  double const rate = linalg::measure_gemm_rate<Scalar>(context, size);
  bool const is_root = context.communicator().is_root();
  Status status(config, is_root, rate * context.communicator().size());
  std::optional<bench::Profile> profile;
  if (is_profiled) context.observe(&profile.emplace("kyrtos::Trainer::step"));
  auto result = train::run_training<Scalar>(context, config, options, status);
  context.observe(nullptr);
  if (result.end == train::RunResult::End::interrupted && !remembered_signal().empty())
    result.reason += " by " + remembered_signal();
  status.finished(result);
  if (profile && is_root)
    fmt::print("{}", profile_table(bench::to_json(*profile), "training step", {.flops = rate}));
  return exit_code(result);
}

int train(MPI_Comm ranks, TrainOptions const& o) {
  auto const config = train::load_config(o.config, o.overrides);
  train::RunOptions options;
  options.resume = o.resume ? train::Resume::if_there : train::Resume::never;
  options.allowed_changes = o.allowed_changes;
  options.should_stop = [] { return !remembered_signal().empty(); };
  options.job_end = job_end();
  listen_to(config.stop.signals);
  return config.training.precision == train::Precision::float64
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
  auto* const resume =
      command->add_flag("--resume", options->resume,
                        "Go on from the newest good checkpoint of output.directory; start where "
                        "there is none");
  command
      ->add_option(
          "--allow-change", options->allowed_changes,
          "Go on although this key, or a key of this table, is another than before; may be "
          "given again")
      ->type_name("KEY")
      ->allow_extra_args(false)
      ->take_all()
      ->needs(resume);
  command->add_flag("--profile", options->profile,
                    "At the end, say where the time of a step went, by layer and pass; waiting "
                    "after each of them costs some speed on devices");
  command->add_flag_callback(
      "--help-config",
      [] {
        fmt::print("{}", train::config_reference());
        throw CLI::Success();
      },
      "List all keys of the file with defaults, ranges and meaning");
  command->footer(
      "While it runs, `touch DIRECTORY/stop` ends it with a checkpoint and `touch "
      "DIRECTORY/checkpoint_now` takes one. The signals of stop.signals end it with a checkpoint "
      "and exit code 75, and so does a time limit: stop.time_limit, KYRTOS_END_TIME or "
      "SLURM_JOB_END_TIME (seconds since 1970).");
  command->callback([options, &action] {
    hold_signals();
    action.on_ranks = [options](MPI_Comm ranks) { return train(ranks, *options); };
  });
}

}  // namespace kyrtos::program
