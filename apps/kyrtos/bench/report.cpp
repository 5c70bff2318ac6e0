// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "report.hpp"

#include "quartiles.hpp"

#include <cmath>
#include <map>

namespace kyrtos::bench {

namespace {

Json pair_of(double lower, double upper) {
  return Json::array({lower, upper});
}

void add_operation(Json& j, Operation const& operation, std::vector<double> const& seconds,
                   Peaks const& peaks) {
  auto const q = quartiles_of(seconds);
  auto const& name = operation.name;
  j[name + "_s"] = q.median;
  j["quartiles"][name + "_s"] = pair_of(q.lower, q.upper);
  double const rate = operation.work.amount / q.median, peak = peaks.of(operation.work);
  switch (operation.work.kind) {
    case Work::Kind::products:
      j["flops_per_s"][name] = rate;
      j["peak_fraction_" + name] = rate / peak;
      break;
    case Work::Kind::memory:
      j["bytes_per_s"][name] = rate;
      j["triad_fraction_" + name] = rate / peak;
      break;
    case Work::Kind::transfer:
      j["bytes_per_s"][name] = rate;
      break;
    case Work::Kind::uncounted:
      break;
  }
}

void add_ratios(Json& j) {
  auto const ratio = [&](char const* over, char const* under) {
    return j[std::string(over) + "_s"].get<double>() / j[std::string(under) + "_s"].get<double>();
  };
  if (j.contains("plain_write_s")) j["write_over_plain"] = ratio("plain_write", "write");
  if (j.contains("quiet_steps_s")) j["writing_over_quiet"] = ratio("writing_steps", "quiet_steps");
  if (j["kind"] != "model") return;
  j["hvp_over_gradient"] = ratio("hvp", "gradient");
  j["gradient_hvp_over_gradient"] = ratio("gradient_hvp", "gradient");
  j["hvp_alone_over_gradient"] = ratio("hvp_alone", "gradient");
  j["tracked_over_step"] = ratio("tracked_step", "step");
  j["batch_tracked_over_step"] = ratio("batch_tracked_step", "step");
  // A product on what a gradient keeps is the work of two gradients.
  double const share = j["probe_sequences"].get<double>() / j["batch"].get<double>();
  j["batch_probe_over_arithmetic"] =
      (j["batch_tracked_over_step"].get<double>() - 1) / (2 * share * ratio("gradient", "step"));
  j["tokens_per_s"] = j["tokens"].get<double>() / j["step_s"].get<double>();
}

Json case_json(Measured const& m, Peaks const& peaks) {
  Json j{{"name", m.of.name}, {"kind", m.of.kind}};
  j.update(m.of.facts);
  for (std::size_t i = 0; i < m.seconds.size(); ++i)
    add_operation(j, m.of.operations[i], m.seconds[i], peaks);
  add_ratios(j);
  j["peak_memory_mib"] = m.peak_memory_mib;
  if (!m.profile.is_null()) j["profile"] = m.profile;
  return j;
}

/// The peaks themselves, with the rates of a quick quarter of the rounds and a slow one.
Json peaks_json(Measured const& machine) {
  auto const peaks = peaks_of(machine);
  Json j{{"gemm_flops_per_s", peaks.of(Work::products(0))},
         {"gemm_provider", peaks.provider},
         {"triad_bytes_per_s", peaks.bytes}};
  for (auto const& [precision, rate] : peaks.flops)
    if (precision != train::Precision::float32) j[name_of(precision) + "_flops_per_s"] = rate;
  for (std::size_t i = 0; i < machine.seconds.size(); ++i) {
    auto const& operation = machine.of.operations[i];
    auto const q = quartiles_of(machine.seconds[i]);
    double const amount = operation.work.amount;
    j["each"][operation.name] = fastest_rate(machine, i);
    j["quartiles"][operation.name] = pair_of(amount / q.upper, amount / q.lower);
  }
  return j;
}

bool is_time(std::string const& key) {
  return key.ends_with("_s") && !key.ends_with("_per_s");
}

}  // namespace

Json to_json(std::vector<Measured> const& measured) {
  auto const& machine = measured.front();
  auto const peaks = peaks_of(machine);
  Json cases = Json::array();
  for (std::size_t i = 1; i < measured.size(); ++i) cases.push_back(case_json(measured[i], peaks));
  return {{"rounds", machine.seconds.front().size()},
          {"peaks", peaks_json(machine)},
          {"cases", cases},
          {"slopes", slopes_of(cases)}};
}

Json slopes_of(Json const& cases) {
  using Points = std::vector<std::pair<double, double>>;
  std::map<std::string, std::map<std::string, Points>> points;
  for (auto const& one : cases) {
    auto const series = one.value("series", "");
    if (series.empty()) continue;
    auto const precision = one.value("precision", "float32");
    auto& of_series = points[precision == "float32" ? series : series + "-" + precision];
    for (auto const& [key, value] : one.items())
      if (is_time(key) || key.ends_with("_mib") || key == "forward_flops")
        of_series[key].emplace_back(one[series].get<double>(), value.get<double>());
  }
  Json slopes = Json::object();
  for (auto const& [series, keys] : points)
    for (auto const& [key, of_key] : keys)
      if (double const slope = log_slope(of_key); std::isfinite(slope)) slopes[series][key] = slope;
  return slopes;
}

std::vector<std::string> operations_of(Json const& one_case) {
  std::vector<std::string> names;
  for (auto const& [key, value] : one_case.items())
    if (is_time(key) && value.is_number()) names.push_back(key.substr(0, key.size() - 2));
  return names;
}

std::optional<double> share_of_peak(Json const& one_case, std::string const& operation) {
  for (char const* peak : {"peak_fraction_", "triad_fraction_"})
    if (auto const found = one_case.find(peak + operation); found != one_case.end())
      return found->get<double>();
  return {};
}

}  // namespace kyrtos::bench
