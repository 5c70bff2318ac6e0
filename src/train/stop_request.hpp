// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/train/run_training.hpp>

#include <chrono>
#include <string>

namespace kyrtos::train {

/// Whether a run shall stop, because its host asks for it or because its time is up. The ranks
/// agree, whichever of them was asked; once they have, the answer stays.
class StopRequest {
 public:
  StopRequest(Communicator const& ranks, StopConfig const& config, RunOptions const& options);

  /// Collective, as is is_overdue().
  bool is_made();

  /// In the midst of work that can be cut short: whether the stop has waited long enough for it.
  bool is_overdue();

  /// How long they took, on this rank; the time limit leaves room for one more of each.
  void took_step(double seconds);
  void took_checkpoint(double seconds) { checkpoint_ = seconds; }

  /// Seconds until the limit, if there is one.
  std::optional<double> seconds_left() const;

  bool is_for_time() const { return cause_ == Cause::time; }
  std::string reason() const;  ///< For people.

 private:
  enum class Cause { none, asked, time };  // of two ranks' causes the later one counts
  using Clock = std::chrono::system_clock;

  double seconds_needed() const;
  bool time_is_up() const;

  Communicator ranks_;
  StopConfig config_;
  std::function<bool()> asked_;
  std::optional<Clock::time_point> limit_;
  Cause cause_ = Cause::none;
  Clock::time_point made_ = {};
  double step_ = 0, checkpoint_ = 0;
};

}  // namespace kyrtos::train
