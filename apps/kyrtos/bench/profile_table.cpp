// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "profile_table.hpp"

#include "../common/format.hpp"

#include <algorithm>
#include <vector>

namespace kyrtos::program {

namespace {

using bench::Json;

struct Row {
  std::string name;
  Json of;
};

/// The longest first.
std::vector<Row> sorted(Json const& rows) {
  std::vector<Row> all;
  for (auto const& [name, row] : rows.items()) all.push_back({name, row});
  std::stable_sort(all.begin(), all.end(), [](Row const& a, Row const& b) {
    return a.of["seconds"].get<double>() > b.of["seconds"].get<double>();
  });
  return all;
}

/// Achieved, and as a share of the peak.
std::string rate_text(Json const& row, PeakRates const& peaks) {
  for (auto const& [key, unit, peak] :
       {std::tuple("flops_per_s", "FLOP/s", peaks.flops), {"bytes_per_s", "B/s", peaks.bytes}}) {
    if (!row.contains(key)) continue;
    double const rate = row[key].get<double>();
    auto const share = peak > 0 ? fmt::format("{:.1f} %", 100 * rate / peak) : std::string();
    return fmt::format("{:>12} {:>8}", scaled(rate) + unit, share);
  }
  return {};
}

std::string line(std::string const& name, std::string const& calls, double seconds, double share,
                 std::string const& rate) {
  auto const text = fmt::format("  {:38} {:>8} {:>9} {:>6.1f} % {}", name, calls,
                                time_text(seconds), 100 * share, rate);
  return text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
}

/// `linear::forward` → `linear               forward`
std::string layer_and_pass(std::string const& region) {
  auto const colons = region.rfind("::");
  if (colons == std::string::npos) return region;
  return fmt::format("{:20} {}", region.substr(0, colons), region.substr(colons + 2));
}

std::string lines_of(Json const& rows, bool are_regions, PeakRates const& peaks) {
  std::string text;
  for (auto const& [name, row] : sorted(rows))
    text += line(are_regions ? layer_and_pass(name) : "  " + name,
                 fmt::format("{:g}", row["calls"].get<double>()), row["seconds"].get<double>(),
                 row["share"].get<double>(), rate_text(row, peaks));
  return text;
}

}  // namespace

std::string profile_table(Json const& profile, std::string const& span, PeakRates const& peaks) {
  if (profile.is_null()) return fmt::format("\n{}: there was none to profile\n", span);
  double const seconds = profile["seconds"].get<double>();
  double const unexplained = profile["no_region"].get<double>();
  double kernels = 0;
  for (auto const& [name, row] : profile["kernels"].items()) kernels += row["share"].get<double>();
  auto const rate = profile["flops_per_s"].get<double>();
  return fmt::format(
             "\n{}: {}, {}FLOP/s of layers; mean of {}\n  {:20} {:17} {:>8} {:>9} {:>8} "
             "{:>12} {:>8}\n",
             span, time_text(seconds), scaled(rate), profile["calls"].get<Index>(), "layer", "pass",
             "calls", "time", "share", "rate", "of peak") +
         lines_of(profile["regions"], true, peaks) +
         line("no layer explains", "", unexplained * seconds, unexplained, "") +
         lines_of(profile["kernels"], false, peaks) +
         line("  between kernels", "", (unexplained - kernels) * seconds, unexplained - kernels,
              "");
}

}  // namespace kyrtos::program
