// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/run.hpp>
#include <kyrtos/train/run_history.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/run_record.hpp>

#include "../common/number_option.hpp"

#include <CLI/CLI.hpp>
#include <cmath>
#include <filesystem>
#include <fmt/format.h>
#include <map>
#include <optional>

// A run is a function of its state, its data and its configuration: from a state that was kept it
// takes the same steps again, with whatever measurement on that is wanted now.

namespace kyrtos::program {

namespace {

struct ReplayOptions {
  std::string run, out;
  std::vector<std::string> overrides;
  Index from = 0, to = 0;
};

/// The run's configuration, with other measurements: nothing else may change, or the steps would.
train::RunConfig config_of(ReplayOptions const& o) {
  for (auto const& one : o.overrides) {
    bool const is_measurement = one.starts_with("curvature.") || one.starts_with("output.tensors_");
    if (!is_measurement)
      throw ConfigError("--set " + one +
                        ": a replay takes the run's own steps; only curvature.* and "
                        "output.tensors_every may differ");
  }
  auto config = train::config_at(o.run, o.from, o.overrides);
  if (config.growth.when == growth::GrowthConfig::When::curvature && !o.overrides.empty())
    throw ConfigError(o.run +
                      ": grows by its curvature, so other measurements would be another run; "
                      "replay it without --set");
  return config;
}

/// The newest state before a step, kept by the recorder or saved as a checkpoint.
std::string state_before(std::string const& run, Index step) {
  std::map<Index, std::string> states;
  for (std::string const directory : {"/checkpoints", "/recorder"})
    for (auto const& path : io::list_checkpoints(run + directory)) {
      auto const name = std::filesystem::path(path).stem().string();  // step-<number>
      states[std::stoll(name.substr(name.find('-') + 1))] = path;
    }
  auto const after = states.lower_bound(step);
  if (states.empty() || after == states.begin())
    throw FileError(fmt::format(
        "{}: holds no state before step {}; switch on [recorder], or save checkpoints", run, step));
  return std::prev(after)->second;
}

std::map<Index, double> losses_of(std::string const& run) {
  std::map<Index, double> losses;
  for (auto const& report : train::read_run(run)) losses[report.step] = report.loss;
  return losses;
}

void print(train::StepReport const& r) {
  auto const number = [](std::optional<double> value) {
    return value ? fmt::format("{:11.4g}", *value) : fmt::format("{:>11}", "-");
  };
  auto const sharpness = r.sharpness.value_or(curvature::SharpnessReport());
  fmt::print("{:8} {:11.6g} {:11.4g} {} {}", r.step, r.loss, r.gradient_norm,
             number(sharpness.lambda), number(sharpness.threshold_ratio));
  if (r.update)
    fmt::print(" {:11.4g} {:11.4g} {:11.4g}", r.update->ratio(), r.update->predicted(),
               r.update->actual);
  fmt::print("\n");
}

template <class Scalar>
int replay(MPI_Comm ranks, ReplayOptions const& o, train::RunConfig const& config) {
  auto const context = train::with_precision(Context<Space>(ranks, config.parallel.context()),
                                             config.training.precision);
  bool const is_root = context.communicator().is_root();
  auto const state = state_before(o.run, o.from);
  train::Run<Scalar, Space> run(context, config);
  run.restore(io::CheckpointReader(context.communicator(), state), {"curvature", "data"});
  Index const to = o.to > 0 ? o.to : std::min(o.from + 20, config.training.steps);
  auto const out = o.out.empty() ? fmt::format("{}/replay-{}", o.run, o.from) : o.out;
  if (std::filesystem::exists(out + "/metrics.jsonl"))
    throw FileError(out + ": holds a record already; choose another directory with --out");
  train::RunRecord record(context.communicator(), out, train::to_toml(config), 0);
  auto const losses = losses_of(o.run);
  if (is_root)
    fmt::print("From {}\n{:>8} {:>11} {:>11} {:>11} {:>11} {:>11} {:>11} {:>11}\n", state, "step",
               "loss", "gradient", "λ", "λη/thresh.", "along Δ", "predicted", "actual");
  double worst = 0;
  while (run.steps_done() < to) {
    train::StepReport report;
    try {
      report = run.step();
    } catch (NumericalError const& error) {
      if (is_root) fmt::print("{}\n", error.what());
      break;
    }
    if (auto const then = losses.find(report.step); then != losses.end())
      worst = std::max(worst, std::abs(report.loss / then->second - 1));
    if (report.step < o.from) continue;
    record.append(report);
    if (is_root) print(report);
  }
  record.save();
  if (is_root && worst == 0) fmt::print("The losses are those of the run. Record: {}\n", out);
  if (is_root && worst > 0)
    fmt::print(stderr,
               "kyrtos: warning: losses differ from the run's by up to {:.1g}: other data, ranks, "
               "threads or processor\nRecord: {}\n",
               worst, out);
  return 0;
}

}  // namespace

void add_replay(CLI::App& app, Action& action) {
  auto const options = std::make_shared<ReplayOptions>();
  auto& o = *options;
  auto* const command =
      app.add_subcommand("replay", "Go through steps of a run again, with other measurements on");
  command->add_option("run", o.run, "Directory of a run")
      ->required()
      ->check(CLI::ExistingDirectory);
  add_number(*command, "--from", o.from, 1, "First step to look at")->required();
  add_number(*command, "--to", o.to, 1, "Last step [20 later, or the run's last]");
  command
      ->add_option("--set", o.overrides,
                   "Another measurement, such as curvature.probe=batch; may be given again")
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--out", o.out, "Directory of the record [RUN/replay-STEP]")
      ->type_name("DIRECTORY");
  command->footer(
      "Starts from the newest state before that step: one that the recorder wrote at an alarm "
      "([recorder] in the run's file), or a checkpoint. The record is read by `kyrtos plot`. "
      "Columns: λ; λη over the threshold of stability; the directional sharpness over its "
      "threshold 2; the change of the loss that the parabola along the update predicts, and the "
      "actual one.");
  command->callback([options, &action] {
    action.on_ranks = [options](MPI_Comm ranks) {
      auto const config = config_of(*options);
      return config.training.precision == train::Precision::float64
                 ? replay<double>(ranks, *options, config)
                 : replay<float>(ranks, *options, config);
    };
  });
}

}  // namespace kyrtos::program
