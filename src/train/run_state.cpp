// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "run_state.hpp"

#include <kyrtos/core/error.hpp>

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace kyrtos::train {

namespace {

using nlohmann::json;

json optional(std::optional<double> const& value) {
  return value ? json(*value) : json(nullptr);
}

std::optional<double> optional(json const& value) {
  return value.is_null() ? std::nullopt : std::optional(value.get<double>());
}

json to_json(curvature::SharpnessReport const& r) {
  return {{"lambda", optional(r.lambda)},
          {"residual", optional(r.residual)},
          {"threshold_ratio", optional(r.threshold_ratio)},
          {"quality", static_cast<int>(r.quality)},
          {"stability", static_cast<int>(r.stability)},
          {"hvps", r.hvps}};
}

constexpr auto last_quality = static_cast<Index>(curvature::Quality::lost);
constexpr auto last_stability = static_cast<Index>(curvature::Stability::unstable);

/// A count, which can still be counted on from, or the number of an enumerator up to `most`.
Index count_from(json const& j, Index most = std::numeric_limits<Index>::max() / 2) {
  auto const value = j.is_number_integer() ? j.get<Index>() : -1;
  if (value < 0 || value > most) throw std::out_of_range(j.dump() + " is out of range");
  return value;
}

curvature::SharpnessReport report_from(json const& j) {
  return {
      .lambda = optional(j.at("lambda")),
      .residual = optional(j.at("residual")),
      .threshold_ratio = optional(j.at("threshold_ratio")),
      .quality = static_cast<curvature::Quality>(count_from(j.at("quality"), last_quality)),
      .stability = static_cast<curvature::Stability>(count_from(j.at("stability"), last_stability)),
      .hvps = count_from(j.at("hvps"))};
}

json to_json(curvature::TrackerState const& t) {
  return {{"has_vectors", t.has_vectors},
          {"warm", t.warm},
          {"updates", t.updates},
          {"rest", t.rest},
          {"last", to_json(t.last)}};
}

curvature::TrackerState tracker_from(json const& j) {
  return {.has_vectors = j.at("has_vectors").get<bool>(),
          .warm = j.at("warm").get<bool>(),
          .updates = count_from(j.at("updates")),
          .rest = j.at("rest").get<double>(),
          .last = report_from(j.at("last"))};
}

/// One entry a block: null, or its start.
json to_json(growth::GrowthState const& g) {
  json starts = json::array();
  for (auto const& start : g.starts)
    starts.push_back(start ? json{{"step", start->step}, {"second_began", start->second_began}}
                           : json(nullptr));
  return {{"blocks", starts}, {"calm_steps", g.calm_steps}};
}

growth::GrowthState growth_from(json const& j) {
  growth::GrowthState state;
  state.calm_steps = count_from(j.at("calm_steps"));
  for (auto const& start : j.at("blocks"))
    state.starts.push_back(
        start.is_null() ? std::nullopt
                        : std::optional(growth::BlockStart{count_from(start.at("step")),
                                                           count_from(start.at("second_began"))}));
  return state;
}

}  // namespace

std::string to_json(RunState const& state) {
  auto const& t = state.trainer;
  return json{{"step", state.step},
              {"optimizer", t.optimizer},
              {"optimizer_steps", t.optimizer_steps},
              {"losses", t.losses},
              {"gradient_norms", t.gradient_norms},
              {"tracker", to_json(t.probe.tracker)},
              {"critical_step_size", t.probe.critical_step_size},
              {"growth", to_json(state.growth)},
              {"best_validation_loss", optional(state.best_validation_loss)},
              {"threshold_ratio", optional(t.threshold_ratio)},
              {"stable_rate", optional(t.stable_rate)},
              {"cdat", {t.cdat.decrease, t.cdat.curvature}},
              {"data", state.data}}
      .dump();
}

namespace {

/// Without the JSON library's own number of an error: `[json.exception.out_of_range.403] key …`.
std::string plain(std::string const& what) {
  auto const end = what.starts_with("[json.exception") ? what.find("] ") : std::string::npos;
  return end == std::string::npos ? what : what.substr(end + 2);
}

}  // namespace

RunState run_state_from_json(std::string const& text, std::string const& file) {
  try {
    auto const j = json::parse(text);
    return {
        .step = count_from(j.at("step")),
        .trainer = {.optimizer = j.at("optimizer").get<std::string>(),
                    .optimizer_steps = count_from(j.at("optimizer_steps")),
                    .losses = j.at("losses").get<std::deque<double>>(),
                    .gradient_norms = j.at("gradient_norms").get<std::deque<double>>(),
                    .probe = {.tracker = tracker_from(j.at("tracker")),
                              .critical_step_size = j.at("critical_step_size").get<double>()},
                    .cdat = {j.at("cdat").at(0).get<double>(), j.at("cdat").at(1).get<double>()},
                    .threshold_ratio = optional(j.at("threshold_ratio")),
                    .stable_rate = optional(j.value("stable_rate", json()))},
        .growth = growth_from(j.at("growth")),
        .best_validation_loss = optional(j.value("best_validation_loss", json())),
        .data = j.value("data", std::map<std::string, std::string>())};
  } catch (std::exception const& error) {
    throw FileError(file + ": can't go on from this checkpoint, its training state " +
                    (text.empty() ? std::string("is missing (was it written elsewhere?)")
                                  : "can't be read: " + plain(error.what()) +
                                        "; use another checkpoint, or start from it by "
                                        "training.start"));
  }
}

std::optional<growth::GrowthState> growth_state_from_json(std::string const& text,
                                                          std::string const& file) {
  auto const j = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!j.is_object() || !j.contains("growth")) return std::nullopt;
  try {
    return growth_from(j["growth"]);
  } catch (std::exception const& error) {
    throw FileError(file + ": its training state can't be read: " + plain(error.what()));
  }
}

void require_optimizer(TrainerState const& state, std::string const& name,
                       std::string const& file) {
  require<FileError>(state.optimizer == name,
                     fmt::format("{}: holds the state of optimizer \"{}\", but optimizer.name is "
                                 "\"{}\"; resume with the same",
                                 file, state.optimizer, name));
}

}  // namespace kyrtos::train
