// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "table.hpp"

#include "../common/format.hpp"
#include "profile_table.hpp"
#include "report.hpp"

namespace kyrtos::program {

namespace {

using bench::Json;

double number(Json const& object, std::string const& key) {
  return object[key].get<double>();
}

std::string text(Json const& object, std::string const& key) {
  return object[key].get<std::string>();
}

/// 1 → `1 rank`, 2 → `2 ranks`
std::string counted(Json const& object, std::string const& key, char const* what) {
  auto const n = object[key].get<Index>();
  return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
}

/// What an operation is a multiple of.
std::string multiple(Json const& one, std::string const& operation) {
  for (auto const& [name, key, of] : {std::tuple("hvp", "hvp_over_gradient", "gradient"),
                                      {"gradient_hvp", "gradient_hvp_over_gradient", "gradient"},
                                      {"hvp_alone", "hvp_alone_over_gradient", "gradient"},
                                      {"tracked_step", "tracked_over_step", "step"},
                                      {"batch_tracked_step", "batch_tracked_over_step", "step"}})
    if (operation == name && one.contains(key))
      return fmt::format("{:.2f} × {}", number(one, key), of);
  return {};
}

std::string rate(Json const& one, std::string const& operation) {
  for (auto const& [key, unit] : {std::pair("flops_per_s", "FLOP/s"), {"bytes_per_s", "B/s"}})
    if (one.contains(key) && one[key].contains(operation))
      return scaled(number(one[key], operation)) + unit;
  return {};
}

std::string operation_row(Json const& one, std::string const& operation) {
  auto const key = operation + "_s";
  auto const& quartiles = one["quartiles"][key];
  auto const share = bench::share_of_peak(one, operation);
  auto const row =
      fmt::format("  {:18} {:>8} {:>8} {:>8} {:>12} {:>8}  {}", operation,
                  time_text(number(one, key)), time_text(quartiles[0].get<double>()),
                  time_text(quartiles[1].get<double>()), rate(one, operation),
                  share ? fmt::format("{:.1f} %", 100 * *share) : "", multiple(one, operation));
  return row.substr(0, row.find_last_not_of(' ') + 1) + "\n";
}

/// The name of a case, and what else is known of it.
std::string case_line(Json const& one) {
  auto line = fmt::format("\n{}", text(one, "name"));
  if (one["kind"] == "model")
    line += fmt::format(
        ": {} parameters, {} × {} tokens a rank, {} tokens/s, {:.0f} MiB, error of an HVP {:.1e}",
        scaled(number(one, "parameters")), one["batch"].get<Index>(), one["length"].get<Index>(),
        scaled(number(one, "tokens_per_s")), number(one, "peak_memory_mib"),
        number(one, "hvp_relative_error"));
  else if (one["kind"] == "layer")
    line += fmt::format(": {} × {} tokens, {} to {} features", one["batch"].get<Index>(),
                        one["length"].get<Index>(), one["in_features"].get<Index>(),
                        one["out_features"].get<Index>());
  return line + "\n";
}

std::string conditions(Json const& result) {
  auto const& machine = result["machine"];
  auto const& versions = result["versions"];
  auto const& peaks = result["peaks"];
  std::string rounded;
  for (std::string const precision : {"bf16", "tf32"})
    if (auto const key = precision + "_flops_per_s"; peaks.contains(key))
      rounded += fmt::format(", in {} {}FLOP/s", precision, scaled(number(peaks, key)));
  return fmt::format(
      "kyrtos {} on {}: {}, {}, {}; {}, Kokkos {}, {}\n"
      "suite {}, {}; a rank's peaks: matrix products {}FLOP/s ({}){}, triad {}B/s\n",
      text(versions, "kyrtos"), text(machine, "name"), counted(machine, "cores", "core"),
      counted(machine, "threads", "thread"), counted(machine, "ranks", "rank"),
      text(result, "backend"), text(versions, "kokkos"), text(versions, "compiler"),
      text(result, "suite"), counted(result, "rounds", "round"),
      scaled(number(peaks, "gemm_flops_per_s")), text(peaks, "gemm_provider"), rounded,
      scaled(number(peaks, "triad_bytes_per_s")));
}

std::string slope_lines(Json const& slopes) {
  std::string lines;
  for (auto const& [series, keys] : slopes.items()) {
    lines += fmt::format("\nslopes against {}\n", series);
    for (auto const& [key, slope] : keys.items())
      lines += fmt::format("  {:18} {:8.2f}\n", key, slope.get<double>());
  }
  return lines;
}

/// Where the time of each operation of the models goes.
std::string profiles(Json const& result) {
  std::string tables;
  for (auto const& one : result["cases"]) {
    if (!one.contains("profile")) continue;
    auto const precision = one.value("precision", "float32");
    PeakRates const peaks{
        number(result["peaks"], (precision == "float32" ? "gemm" : precision) + "_flops_per_s"),
        number(result["peaks"], "triad_bytes_per_s")};
    for (auto const& [operation, profile] : one["profile"].items())
      tables += profile_table(profile, text(one, "name") + " " + operation, peaks);
  }
  return tables;
}

}  // namespace

std::string to_table(Json const& result) {
  auto table = conditions(result);
  table += fmt::format("\n  {:18} {:>8} {:>17} {:>12} {:>8}\n", "operation", "median", "quartiles",
                       "rate", "of peak");
  for (auto const& one : result["cases"]) {
    table += case_line(one);
    for (auto const& operation : bench::operations_of(one)) table += operation_row(one, operation);
  }
  return table + slope_lines(result["slopes"]) + profiles(result);
}

}  // namespace kyrtos::program
