// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "stop_request.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace kyrtos::train {

namespace {

using Seconds = std::chrono::duration<double>;

/// A checkpoint takes longer now and then, as its disk is others' too.
constexpr double slower_checkpoint = 2;

/// Seconds after which no limit is kept: 30 years, where clocks that count nanoseconds end at 292.
constexpr double endless = 1e9;

/// What a long step still counts after each that was shorter: most runs have some now and then.
constexpr double memory_of_steps = 0.99;

}  // namespace

StopRequest::StopRequest(Communicator const& ranks, StopConfig const& config,
                         RunOptions const& options)
    : ranks_(ranks), config_(config), asked_(options.should_stop), limit_(options.job_end) {
  if (config.time_limit <= 0 || config.time_limit > endless) return;
  auto const own =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(config.time_limit));
  limit_ = limit_ ? std::min(*limit_, own) : own;
}

bool StopRequest::is_made() {
  if (cause_ != Cause::none) return true;
  auto const own = time_is_up() ? Cause::time : asked_() ? Cause::asked : Cause::none;
  cause_ = static_cast<Cause>(static_cast<int>(ranks_.max(static_cast<double>(own))));
  made_ = Clock::now();
  return cause_ != Cause::none;
}

bool StopRequest::is_overdue() {
  return is_made() && ranks_.any(Seconds(Clock::now() - made_).count() > config_.patience);
}

void StopRequest::took_step(double seconds) {
  step_ = std::max(seconds, step_ * memory_of_steps);
}

std::optional<double> StopRequest::seconds_left() const {
  if (!limit_) return std::nullopt;
  return Seconds(*limit_ - Clock::now()).count();
}

double StopRequest::seconds_needed() const {
  return config_.time_reserve + step_ + slower_checkpoint * checkpoint_;
}

bool StopRequest::time_is_up() const {
  auto const left = seconds_left();
  return left && *left < seconds_needed();
}

std::string StopRequest::reason() const {
  if (cause_ != Cause::time) return "asked to stop";
  return fmt::format(
      "{:.0f} s are left of the time limit, and stop.time_reserve, a step ({:.1f} s) and a "
      "checkpoint ({:.1f} s) may need {:.0f} s",
      seconds_left().value_or(0), step_, checkpoint_, seconds_needed());
}

}  // namespace kyrtos::train
