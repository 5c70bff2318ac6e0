// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "../common/python_script.hpp"
#include "file.hpp"
#include "measure.hpp"
#include "report.hpp"
#include "series.hpp"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <fmt/core.h>
#include <numeric>

namespace kyrtos::program {

namespace {

/// The option replaces the setting, or is taken from it.
template <class Value>
void adopt(std::optional<Value>& option, Value& setting) {
  if (option)
    setting = *option;
  else
    option = setting;
}

/// The run's configuration with what the command line replaces, and the options with what the
/// configuration says.
void reconcile(CurvatureOptions& o, train::RunConfig& config) {
  config.curvature.matrix = o.matrix;
  adopt(o.preconditioner, config.curvature.preconditioner);
  config.curvature.probe_sequences = train::probe_sequences(config, 1);
  adopt(o.sequences, config.curvature.probe_sequences);
  adopt(o.length, config.training.length);
  adopt(o.seed, config.training.seed);
  adopt(o.precision, config.training.precision);
  bool const is_given = o.micro_batch.has_value();
  adopt(o.micro_batch, config.training.micro_batch);
  if (!is_given)  // the run's may not divide what is asked for here
    config.training.micro_batch = std::gcd(config.training.micro_batch, *o.sequences);
  if (config.model.positions == model::Positions::learned && *o.length > config.model.context)
    throw ConfigError(fmt::format("--length {} exceeds the {} positions of the model", *o.length,
                                  config.model.context));
  train::check_sizes(config, "--sequences, --micro-batch, --length");
  // No validation data are looked at; where they have their own files, all of `train` is trained
  // on.
  config.training.evaluate_every = 0;
  if (!o.data.empty()) config.data.train = o.data;
  if (!o.data.empty() || !config.data.validation.empty()) config.data.validation_fraction = 0;
  config.data.validation.clear();
}

CurvatureResult measure(Context<Space> const& plain, io::CheckpointReader file,
                        train::RunConfig const& config, CurvatureOptions const& o,
                        Progress& progress) {
  auto const context = train::with_precision(plain, *o.precision, "--precision");
  if (*o.precision == train::Precision::float64)
    return measure(context, StoredModel<double>(context, std::move(file), config), o, progress);
  return measure(context, StoredModel<float>(context, std::move(file), config), o, progress);
}

/// The options become those that were used.
CurvatureResult measure(Context<Space> const& context, StoredRun run, CurvatureOptions& o,
                        Progress& progress) {
  reconcile(o, run.config);
  return measure(context, std::move(run.file), run.config, o, progress);
}

int measure_one(Context<Space> const& context, CurvatureOptions o, Action& action) {
  auto const& ranks = context.communicator();
  StoredRun run(ranks, o.checkpoints.front());
  std::string path;
  std::unique_ptr<CurvatureFile> output;
  parallel::on_root<FileError>(ranks, [&] {
    path = o.out.empty() ? new_curvature_file(run.file.path()) : o.out;
    output = std::make_unique<CurvatureFile>(path, std::vector{run.file.path()});
  });
  Progress progress(ranks.is_root());
  auto const result = measure(context, std::move(run), o, progress);
  if (ranks.is_root()) {  // first: what was computed is seen, whatever happens to the file
    fmt::print("{}", o.json ? to_json(result, Detail::everything) + "\n" : to_text(result));
    std::fflush(stdout);
  }
  parallel::on_root<FileError>(ranks, [&] { output->write(result); });
  if (!ranks.is_root()) return 0;
  if (!o.json) fmt::print("written to {}\n", path);
  if (o.plot) action.afterwards = [path] { return become_python("plot", {"--spectrum", path}); };
  return 0;
}

/// What can't be written is at least printed.
void write_series(Communicator const& ranks, CurvatureFile& output,
                  std::vector<CurvatureResult> const& results, bool as_json) {
  parallel::on_root<FileError>(ranks, [&] {
    try {
      output.write(results);
    } catch (FileError const&) {
      if (as_json) fmt::print("{}\n", series_json(results));
      throw;
    }
  });
}

/// Tells and writes each result as it comes, so that an end before the last one costs nothing.
int measure_series(Context<Space> const& context, CurvatureOptions const& o, Action& action) {
  auto const& ranks = context.communicator();
  auto const members = find_series(ranks, o.checkpoints);
  std::string path;
  std::unique_ptr<CurvatureFile> output;
  parallel::on_root<FileError>(ranks, [&] {
    path = o.out.empty() ? new_series_file(members.front().path) : o.out;
    std::vector<std::string> inputs;
    for (auto const& member : members) inputs.push_back(member.path);
    output = std::make_unique<CurvatureFile>(path, inputs);
  });
  bool const speaks = ranks.is_root() && !o.json;
  Progress progress(ranks.is_root());
  std::vector<CurvatureResult> results;
  for (auto const& member : members) {
    progress.part_of(fmt::format("checkpoint {} of {}", results.size() + 1, members.size()));
    auto options = o;
    auto result = measure(context, StoredRun(ranks, member.path), options, progress);
    if (member.step >= 0) result.step = member.step;
    results.push_back(std::move(result));
    if (speaks && results.size() == 1) fmt::print("{}", series_heading(results.front()));
    if (speaks) fmt::print("{}", series_row(results.back()));
    std::fflush(stdout);
    write_series(ranks, *output, results, o.json);
  }
  if (!ranks.is_root()) return 0;
  fmt::print("{}\n", o.json ? series_json(results) : "written to " + path);
  if (o.plot) action.afterwards = [path] { return become_python("plot", {"--series", path}); };
  return 0;
}

int curvature(MPI_Comm ranks, CurvatureOptions const& o, Action& action) {
  Context<Space> const context(ranks);
  return o.series ? measure_series(context, o, action) : measure_one(context, o, action);
}

}  // namespace

void add_curvature(CLI::App& app, Action& action) {
  auto const options = std::make_shared<CurvatureOptions>();
  auto* const command = app.add_subcommand(
      "curvature", "Measure the curvature of a trained model: eigenvalues, trace, spectrum");
  add_options(*command, *options);
  command->footer(
      "Eigenvalues are the largest and smallest algebraically, each with its relative residual: "
      "some eigenvalue lies within that share of it. Both are computed by a product in float64, so "
      "that this holds in any --precision, at the cost of a second copy of the model in float64 "
      "(see --residuals). An HVP costs about eight forward passes.");
  command->callback([command, options, &action] {
    complete(*command, *options);
    action.on_ranks = [options, &action](MPI_Comm ranks) {
      return curvature(ranks, *options, action);
    };
  });
}

}  // namespace kyrtos::program
