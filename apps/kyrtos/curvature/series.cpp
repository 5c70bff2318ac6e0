// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "series.hpp"

#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/run_training.hpp>

#include "../common/json_text.hpp"
#include "file.hpp"
#include "problem.hpp"
#include "report.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fmt/format.h>
#include <glob.h>
#include <nlohmann/json.hpp>

namespace kyrtos::program {

namespace {

namespace fs = std::filesystem;

std::vector<std::string> matches(std::string const& pattern) {
  glob_t found{};
  int const status = glob(pattern.c_str(), GLOB_TILDE, nullptr, &found);
  std::vector<std::string> const paths(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  globfree(&found);
  if (status != 0 || paths.empty())
    throw FileError(pattern + ": there is no such file, and none that matches this pattern");
  return paths;
}

std::vector<std::string> checkpoints_at(std::string const& path) {
  if (!fs::is_directory(path)) return {path};
  auto found = io::list_checkpoints(path + "/checkpoints");
  if (found.empty()) found = io::list_checkpoints(path);
  return found.empty() ? std::vector{train::find_checkpoint(path)} : found;  // or an error
}

/// `steps/step2000/model.h5` → 2000
Index last_number(std::string const& path) {
  auto const is_digit = [](unsigned char c) { return std::isdigit(c) != 0; };
  auto const stem = fs::path(path).replace_extension().string();
  auto const end = std::find_if(stem.rbegin(), stem.rend(), is_digit);
  auto const begin = std::find_if_not(end, stem.rend(), is_digit);
  std::string const digits(begin.base(), end.base());
  return digits.empty() || digits.size() > 18 ? -1 : std::stoll(digits);
}

}  // namespace

std::vector<SeriesMember> find_series(Communicator const& ranks,
                                      std::vector<std::string> const& patterns) {
  std::vector<SeriesMember> members;
  for (auto const& pattern : patterns)
    for (auto const& match : matches(pattern))
      for (auto const& path : checkpoints_at(match)) {
        io::CheckpointReader const file(ranks, path);
        members.push_back({path, stored_step(file).value_or(last_number(path))});
      }
  std::stable_sort(members.begin(), members.end(),
                   [](auto const& a, auto const& b) { return a.step < b.step; });
  return members;
}

std::string new_series_file(std::string const& checkpoint) {
  return new_curvature_file(fs::path(checkpoint).replace_filename("series.h5").string());
}

std::string series_heading(CurvatureResult const& r) {
  auto const& o = r.options;
  std::string text =
      fmt::format("{} of a series; {} parameters; {}; batches: {} of {} x {} tokens\n", describe(o),
                  r.parameters, name_of(*o.precision), o.batches, *o.sequences, *o.length);
  text += fmt::format("\n{:>10}{:>10}{:>14}{:>10}", "step", "loss", "largest", "residual");
  if (o.gauss_newton) text += fmt::format("{:>14}{:>10}", "Gauss-Newton", "residual");
  if (o.batches > 1) text += fmt::format("{:>14}{:>10}", "batch mean", "± error");
  if (o.smallest > 0) text += fmt::format("{:>14}{:>10}", "smallest", "residual");
  if (r.threshold_ratio) text += fmt::format("{:>8}", "λη/thr.");
  if (o.trace) text += fmt::format("{:>14}{:>10}", "trace", "± error");
  return text + fmt::format("{:>7}\n", "HVPs");
}

std::string series_row(CurvatureResult const& r) {
  auto const& o = r.options;
  auto const pair = [](double value, double error) {
    return fmt::format("{:>14.6g}{:>10.1e}", value, error);
  };
  auto const end = [&](std::vector<curvature::Eigenvalue> const& values) {
    return values.empty() ? fmt::format("{:>14}{:>10}", "-", "-")
                          : pair(values.front().value, values.front().residual);
  };
  auto const step = r.step ? std::to_string(*r.step) : std::string("-");
  std::string text = fmt::format("{:>10}{:>10.4f}", step, r.loss) + end(r.ends.largest);
  if (r.gauss_newton) text += end(r.gauss_newton->largest);
  if (o.batches > 1) {
    auto const spread = spread_of(r.batches);
    text += pair(spread.mean, spread.standard_error);
  }
  if (o.smallest > 0) text += end(r.ends.smallest);
  if (r.threshold_ratio) text += fmt::format("{:>8.3g}", *r.threshold_ratio);
  if (r.trace) text += pair(r.trace->value, r.trace->standard_error);
  return text + fmt::format("{:>7}{}\n", r.hvps, r.ends.converged ? "" : "  not converged");
}

std::string series_json(std::vector<CurvatureResult> const& results) {
  nlohmann::ordered_json all{{"series", nlohmann::ordered_json::array()}};
  for (auto const& result : results)
    all["series"].push_back(nlohmann::ordered_json::parse(to_json(result, Detail::summary)));
  return json_text(all);
}

}  // namespace kyrtos::program
