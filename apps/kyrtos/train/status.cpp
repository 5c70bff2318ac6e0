// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "status.hpp"

#include "../common/format.hpp"
#include "../common/terminal.hpp"
#include "core/seconds_since.hpp"

#include <algorithm>
#include <cstdio>
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <unistd.h>
#include <vector>

namespace kyrtos::program {

namespace {

/// What a line says of the curvature; on a narrow terminal the ratio stays longest.
void add_sharpness(curvature::SharpnessReport const& c, std::vector<Piece>& pieces) {
  if (!c.lambda) return pieces.push_back({"λ lost", 5});
  bool const is_at_edge =
      c.stability == curvature::Stability::at_edge || c.stability == curvature::Stability::unstable;
  pieces.push_back({fmt::format("λ {:.4g}", *c.lambda), 3});
  if (c.threshold_ratio)
    pieces.push_back(
        {fmt::format("λη/threshold {:.2f}{}", *c.threshold_ratio, is_at_edge ? " !" : ""), 5});
}

/// What other sequences and another precision say of λ.
void add_check(train::CheckReport const& check, std::vector<Piece>& pieces) {
  pieces.push_back(
      {fmt::format("held out {:.3g} ± {:.2g}", check.held_out, check.held_out_error), 2});
  if (check.precision_error)
    pieces.push_back({fmt::format("rounding {:.2g} %", 100 * *check.precision_error), 1});
}

/// Without complaint where nobody listens any more: that is a signal's business.
void put(std::string const& text) {
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
  std::clearerr(stdout);
}

/// What λ of few sequences is worth: what docs/studies/noise measured. Nothing from 16 on, or where
/// they are all that a step trains on.
std::string probe_warning(train::RunConfig const& config, Index sequences) {
  struct Excess {
    Index sequences;
    int least, most;  // percent
  };
  static constexpr Excess measured[]{{8, 23, 37}, {4, 45, 81}, {2, 79, 165}, {1, 141, 248}};
  auto const& c = config.curvature;
  bool const is_whole_batch =
      c.probe == train::CurvatureConfig::Probe::batch && sequences == config.training.batch;
  if (sequences == 0 || sequences >= 16 || is_whole_batch) return "";
  auto const& excess = *std::find_if(std::begin(measured), std::end(measured),
                                     [&](auto const& e) { return e.sequences <= sequences; });
  return fmt::format(
      "Note: λ of {} sequence{} is larger than that of all data, by {} to {} % where it was "
      "compared; curvature.probe_sequences = 16 came within 11 %, curvature.check_every says how "
      "much it is here",
      sequences, sequences == 1 ? "" : "s", excess.least, excess.most);
}

}  // namespace

Status::Status(train::RunConfig const& config, bool speaks, double gemm_rate)
    : config_(config),
      speaks_(speaks),
      // Open MPI's mpirun makes any standard output look like a terminal, but not standard error.
      is_terminal_(isatty(STDOUT_FILENO) != 0 && isatty(STDERR_FILENO) != 0),
      gemm_rate_(gemm_rate) {
  spdlog::set_pattern("%Y-%m-%d %H:%M:%S  %v");
  spdlog::set_error_handler([](std::string const&) {});
}

void Status::say(std::string const& text) {
  if (!speaks_) return;
  if (!is_terminal_) return spdlog::info(text);
  put("\r\033[K" + text + "\n");
}

void Status::waiting(std::string const& why) {
  say(why);
}

void Status::started(train::RunPlan const& plan) {
  plan_ = plan;
  start_ = std::chrono::steady_clock::now();
  if (!plan.taken_over.empty()) say(plan.taken_over);
  if (!plan.not_used.empty()) say("Passed over: " + plan.not_used);
  if (!plan.resumed_from.empty())
    say(fmt::format("Going on from {} at step {}", plan.resumed_from, plan.first_step));
  for (auto const& change : plan.changes) say("Changed: " + to_string(change));
  say(
      fmt::format("{} parameters, {} steps of {} tokens, {}FLOP a step; matrix products run at "
                  "{}FLOP/s; everything goes to {}",
                  scaled(static_cast<double>(plan.parameters)), config_.training.steps,
                  config_.training.batch * config_.training.length, scaled(plan.step_flops),
                  scaled(gemm_rate_), config_.output.directory));
  if (auto const warning = probe_warning(config_, plan.probe_sequences); !warning.empty())
    say(warning);
  if (plan.seconds_left)
    say(fmt::format("Stops in time for the limit in {}", duration(*plan.seconds_left)));
}

double Status::seconds_left(train::StepReport const& report) const {
  auto const done = static_cast<double>(report.step - plan_.first_step);
  return seconds_since(start_) / done * static_cast<double>(config_.training.steps - report.step);
}

std::string Status::line(train::StepReport const& r) const {
  double const products = r.sharpness ? static_cast<double>(r.sharpness->hvps) : 0;
  double const rate = (plan_.step_flops + products * plan_.product_flops) / r.seconds;
  std::vector<Piece> pieces{{fmt::format("step {}/{}", r.step, config_.training.steps), 9},
                            {fmt::format("loss {:.4f}", r.loss), 8}};
  if (r.validation_loss)
    pieces.push_back({fmt::format("validation {:.4f}", *r.validation_loss), 7});
  if (r.sharpness) add_sharpness(*r.sharpness, pieces);
  if (r.check) add_check(*r.check, pieces);
  pieces.push_back({scaled(r.tokens_per_s) + " tokens/s", 2});
  pieces.push_back({fmt::format("{:.0f} % of peak", 100 * rate / gemm_rate_), 1});
  pieces.push_back({"ETA " + duration(seconds_left(r)), 4});
  if (r.skipped) pieces.push_back({"skipped", 6});
  constexpr std::size_t endless = 10000;  // a file
  // The last column stays free: a cursor there has wrapped on some terminals.
  return fitted(pieces, is_terminal_ ? terminal_columns(STDOUT_FILENO) - 1 : endless);
}

void Status::stepped(train::StepReport const& report) {
  if (!speaks_) return;
  bool const is_last = report.step == config_.training.steps;
  bool const is_marked = report.validation_loss || report.check;
  if (!is_terminal_) {
    bool const is_due = report.step % config_.output.log_every == 0;
    if (is_due || is_last || is_marked || report.skipped) say(line(report));
    return;
  }
  if (is_marked || is_last) return say(line(report));
  auto const now = std::chrono::steady_clock::now();
  if (now - shown_ < std::chrono::milliseconds(100)) return;
  shown_ = now;
  put("\r\033[K" + line(report));
}

void Status::saved(std::string const& checkpoint) {
  say("Saved " + checkpoint);
}

void Status::failed_to_write(std::string const& why) {
  say("Warning: " + why + "; going on, to write it with the next checkpoint");
}

void Status::recorded(std::string const& directory) {
  say("Alarm: the states before it and their batches are in " + directory +
      "; see `kyrtos replay`");
}

void Status::finished(train::RunResult const& result) {
  if (!result.reason.empty()) say(result.reason);
  say(fmt::format("{} after step {}, in {}",
                  result.end == train::RunResult::End::finished   ? "Finished"
                  : result.end == train::RunResult::End::diverged ? "Diverged"
                                                                  : "Stopped",
                  result.steps, duration(seconds_since(start_))));
}

}  // namespace kyrtos::program
