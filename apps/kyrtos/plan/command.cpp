// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include <kyrtos/growth/depth_schedule.hpp>
#include <kyrtos/linalg/gemm_rate.hpp>
#include <kyrtos/train/prediction.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "../common/format.hpp"
#include "../common/json_text.hpp"
#include "prediction_table.hpp"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <nlohmann/json.hpp>
#include <optional>

namespace kyrtos::program {

namespace {

struct PlanOptions {
  std::string config, device_file;
  std::optional<train::Device> device = {};
  std::vector<std::string> overrides;
  int ranks = 1, up_to = 0;
  double memory_gib = 0;
  train::DeviceRates rates{.flops = 0, .share = 0.7, .bandwidth = 25e9, .latency = 5e-6};
  bool json = false;
};

constexpr double mib = 1024.0 * 1024, gib = 1024 * mib;

train::Resources resources(Context<Space> const& context, train::RunConfig const& config, int ranks,
                           Index depth) {
  return config.training.precision == train::Precision::float64
             ? train::resources_of<double>(context, config, ranks, depth)
             : train::resources_of<float>(context, config, ranks, depth);
}

/// A run on so many ranks, and its times where a device is given.
struct Planned {
  train::Resources resources;
  std::optional<train::Prediction> prediction = {};
};

Planned planned(Context<Space> const& context, train::RunConfig const& config, int ranks,
                Index depth, std::optional<train::Device> const& device) {
  if (!device) return {resources(context, config, ranks, depth)};
  auto const [found, work] = config.training.precision == train::Precision::float64
                                 ? train::dry_run<double>(context, config, ranks, depth, *device)
                                 : train::dry_run<float>(context, config, ranks, depth, *device);
  return {found, train::predict(config, found, work, ranks, *device)};
}

nlohmann::json to_json(train::Resources const& r) {
  nlohmann::json memory;
  for (auto const& [name, bytes] : r.memory) memory[name] = bytes;
  return {{"active_depth", r.active_depth},     {"memory_bytes", r.memory_bytes},
          {"copy_bytes", r.copy_bytes},         {"memory", memory},
          {"step_flops", r.step_flops},         {"product_flops", r.product_flops},
          {"check_products", r.check_products}, {"micro_batches", r.micro_batches}};
}

std::string memory_table(train::Resources const& r) {
  std::string text;
  for (auto const& [name, bytes] : r.memory)
    text += fmt::format("  {:<44} {:>10.1f} MiB\n", name, bytes / mib);
  text += fmt::format("  {:<44} {:>10.1f} MiB\n", "together", r.memory_bytes / mib);
  if (r.copy_bytes > 0 && !compat::is_host_accessible<Space>)
    text += fmt::format("  {:<44} {:>10.1f} MiB\n", "in host memory, copies of the state",
                        r.copy_bytes / mib);
  return text;
}

/// The same work a rank on ever more ranks: the batch grows with them.
struct Scaled {
  int ranks;
  train::StepSeconds plain, tracked;
};

std::vector<Scaled> scale(Context<Space> const& context, train::RunConfig config,
                          PlanOptions const& o, Planned const& first) {
  std::vector<Scaled> rows;
  Index const batch = config.training.batch, probe = train::probe_sequences(config, o.ranks);
  Index const depth = config.model.depth;
  for (int ranks = o.ranks; ranks <= std::max(o.up_to, o.ranks); ranks *= 2) {
    config.training.batch = batch * ranks / o.ranks;
    config.curvature.probe_sequences = probe * ranks / o.ranks;
    auto const run = ranks == o.ranks ? first : planned(context, config, ranks, depth, o.device);
    if (run.prediction) {
      auto const seconds = [](train::PredictedTime const& t) {
        return train::StepSeconds{t.computing(), t.messages};
      };
      rows.push_back({ranks, seconds(run.prediction->step), seconds(run.prediction->tracked_step)});
      continue;
    }
    auto const& work = run.resources;
    rows.push_back({ranks, train::step_seconds(config, work, ranks, o.rates, 0),
                    train::step_seconds(config, work, ranks, o.rates, 1 + work.check_products)});
  }
  return rows;
}

std::string time_table(std::vector<Scaled> const& rows, PlanOptions const& o) {
  auto const& rates = o.rates;
  auto const from =
      o.device
          ? o.device->name
          : fmt::format(
                "{}FLOP/s a rank, of which {:.0f} % are reached, {:.3g} GB/s and\n"
                "{:.3g} us of the link",
                scaled(rates.flops), 100 * rates.share, rates.bandwidth / 1e9, rates.latency * 1e6);
  std::string text = fmt::format(
      "Time of a step at full depth, from {}, the batch growing with the ranks (by formula, not "
      "measured):\n"
      "  {:>6} {:>12} {:>12} {:>12} {:>12} {:>12}\n",
      from, "ranks", "step", "exposed", "efficiency", "tracked", "exposed");
  for (auto const& row : rows)
    text += fmt::format("  {:>6} {:>10.4f} s {:>10.4f} s {:>10.1f} % {:>10.4f} s {:>10.4f} s\n",
                        row.ranks, row.plain.total(), row.plain.exposed,
                        100 * row.plain.compute / row.plain.total(), row.tracked.total(),
                        row.tracked.exposed);
  return text;
}

/// In the run's precision, if this machine has it.
double measured_rate(Context<Space> const& context, train::Precision precision) {
  bool const has_it = train::missing_for<Space>(precision).empty();
  auto const here = has_it ? train::with_precision(context, precision) : context;
  return linalg::measure_gemm_rate<float>(here);
}

int plan(MPI_Comm world, PlanOptions o) {
  Context<Space> const context(world);
  auto const config = train::load_config(o.config, o.overrides);
  if (!o.device_file.empty())
    o.device = train::load_device(o.device_file);
  else if (o.rates.flops <= 0)
    o.rates.flops = measured_rate(context, config.training.precision);
  growth::DepthSchedule const schedule(config.growth, config.model.depth, config.schedule);
  auto const at_full_depth = planned(context, config, o.ranks, config.model.depth, o.device);
  auto const& [full, prediction] = at_full_depth;
  auto const first = schedule.initial_depth() == config.model.depth
                         ? full
                         : resources(context, config, o.ranks, schedule.initial_depth());
  auto const rows = scale(context, config, o, at_full_depth);
  bool const fits = o.memory_gib <= 0 || full.memory_bytes <= o.memory_gib * gib;
  if (o.json) {
    nlohmann::json j{{"ranks", o.ranks},
                     {"parameters", full.parameters},
                     {"fits", fits},
                     {"first", to_json(first)},
                     {"full", to_json(full)}};
    for (auto const& row : rows)
      j["steps"].push_back({{"ranks", row.ranks},
                            {"step_s", row.plain.total()},
                            {"step_exposed_s", row.plain.exposed},
                            {"tracked_step_s", row.tracked.total()},
                            {"tracked_exposed_s", row.tracked.exposed}});
    if (prediction) j["predicted"] = prediction_json(*prediction, *o.device);
    fmt::print("{}\n", json_text(j));
    return fits ? 0 : failure;
  }
  fmt::print("{} parameters on {} rank{}, {} of {} blocks at first\n", full.parameters, o.ranks,
             o.ranks == 1 ? "" : "s", first.active_depth, full.active_depth);
  fmt::print("A rank's memory at full depth, the rank that holds most:\n{}", memory_table(full));
  if (first.active_depth < full.active_depth)
    fmt::print("  {:<44} {:>10.1f} MiB\n", "at first", first.memory_bytes / mib);
  if (o.memory_gib > 0)
    fmt::print("  {} into {:.3g} GiB\n", fits ? "fits" : "DOES NOT FIT", o.memory_gib);
  fmt::print("Work of a step over all ranks: {}FLOP, with one product on the probe {}FLOP\n",
             scaled(full.step_flops), scaled(full.step_flops + full.product_flops));
  if (full.check_products > 0)
    fmt::print(
        "  and {}FLOP for checks of it, on average over the steps, which \"tracked\" counts\n",
        scaled(full.check_products * full.product_flops));
  fmt::print("{}", time_table(rows, o));
  if (prediction) fmt::print("{}", prediction_table(*prediction, *o.device));
  return fits ? 0 : failure;
}

}  // namespace

void add_plan(CLI::App& app, Action& action) {
  auto const o = std::make_shared<PlanOptions>();
  auto* const command = app.add_subcommand(
      "plan", "Say what a run will hold and compute on so many ranks, before it is queued");
  command->add_option("config", o->config, "TOML file of the run")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_option("--set", o->overrides, "Override a key: section.key=value (repeatable)")
      ->allow_extra_args(false);
  command->add_option("--ranks", o->ranks, "Ranks of the run")->check(CLI::Range(1, 1 << 24));
  command->add_option("--up-to", o->up_to, "Also the time of a step on ever twice as many ranks");
  command->add_option("--memory", o->memory_gib,
                      "GiB that a rank has: exit code 1 if it won't fit");
  auto* const device =
      command->add_option("--device", o->device_file,
                          "TOML file of a device: the time by classes of kernels, from its rates");
  device->check(CLI::ExistingFile);
  command
      ->add_option("--flops", o->rates.flops,
                   "FLOP/s of matrix products a rank; measured here if not given")
      ->excludes(device);
  command->add_option("--share", o->rates.share, "Of these that a gradient reaches")
      ->capture_default_str()
      ->excludes(device);
  command->add_option("--bandwidth", o->rates.bandwidth, "Bytes/s a rank sends between nodes")
      ->capture_default_str()
      ->excludes(device);
  command->add_option("--latency", o->rates.latency, "Seconds of a message")
      ->capture_default_str()
      ->excludes(device);
  command->add_flag("--json", o->json, "Print one JSON object");
  command->callback(
      [o, &action] { action.on_ranks = [o](MPI_Comm world) { return plan(world, *o); }; });
}

}  // namespace kyrtos::program
