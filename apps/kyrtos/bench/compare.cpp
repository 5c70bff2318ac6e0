// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../common/format.hpp"
#include "quartiles.hpp"
#include "report.hpp"
#include "table.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace kyrtos::program {

namespace {

using bench::Json;

struct Row {
  std::string name, operation;
  friend bool operator==(Row const&, Row const&) = default;
};

/// What any of the results has, in their order.
std::vector<Row> rows_of(std::vector<Json> const& results) {
  std::vector<Row> rows;
  for (auto const& result : results)
    for (auto const& one : result["cases"])
      for (auto const& operation : bench::operations_of(one)) {
        Row const row{one["name"].get<std::string>(), operation};
        if (std::find(rows.begin(), rows.end(), row) == rows.end()) rows.push_back(row);
      }
  return rows;
}

/// The case that has the row's operation, or null.
Json const* find_case(Json const& result, Row const& row) {
  for (auto const& one : result["cases"])
    if (one["name"] == row.name && one.contains(row.operation + "_s")) return &one;
  return nullptr;
}

std::string machine_line(char letter, Json const& result) {
  auto const& machine = result["machine"];
  auto const ranks = machine["ranks"].get<Index>();
  return fmt::format("{}  {}, {} × {} threads, {}, {}\n", letter,
                     machine["name"].get<std::string>(), ranks,
                     machine["threads"].get<Index>() / ranks, result["backend"].get<std::string>(),
                     result["date"].get<std::string>());
}

/// Time and share on each machine, then the metric where there are shares at all.
std::string row_text(std::vector<Json> const& results, Row const& row) {
  auto text = fmt::format("{:24} {:16}", row.name, row.operation);
  std::vector<double> efficiencies;
  bool has_shares = false;
  for (auto const& result : results) {
    auto const* const one = find_case(result, row);
    auto const share = one != nullptr ? bench::share_of_peak(*one, row.operation) : std::nullopt;
    has_shares = has_shares || share;
    efficiencies.push_back(share.value_or(0));
    text += fmt::format(
        " {:>9} {:>7}",
        one != nullptr ? time_text((*one)[row.operation + "_s"].get<double>()) : "missing",
        share ? fmt::format("{:.1f} %", 100 * *share) : "-");
  }
  if (has_shares)
    text += fmt::format(" {:>7.1f} %", 100 * bench::performance_portability(efficiencies));
  return text + "\n";
}

}  // namespace

std::string compare(std::vector<Json> const& results) {
  std::string machines, head = fmt::format("\n{:24} {:16}", "case", "operation");
  char letter = 'A';
  for (auto const& result : results) {
    machines += machine_line(letter, result);
    head += fmt::format(" {:>9} {:>7}", letter, "of peak");
    ++letter;
  }
  auto text = machines + head + fmt::format(" {:>9}\n", "PP");
  for (auto const& row : rows_of(results)) text += row_text(results, row);
  return text;
}

}  // namespace kyrtos::program
