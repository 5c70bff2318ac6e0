// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/run_training.hpp>

#include <chrono>

namespace kyrtos::program {

/// Tells on rank 0 how a run goes: on a terminal one line that is rewritten, and a line of its own
/// for each validation loss; in a batch log plain lines with the time.
class Status final : public train::RunObserver {
 public:
  /// \param gemm_rate floating-point operations a second of all ranks' matrix products: what the
  /// run's own are a share of.
  Status(train::RunConfig const& config, bool speaks, double gemm_rate);

  void waiting(std::string const& why) override;
  void started(train::RunPlan const& plan) override;
  void stepped(train::StepReport const& report) override;
  void saved(std::string const& checkpoint) override;
  void recorded(std::string const& directory) override;
  void failed_to_write(std::string const& why) override;
  void finished(train::RunResult const& result);

 private:
  std::string line(train::StepReport const& report) const;
  void say(std::string const& text);
  double seconds_left(train::StepReport const& report) const;

  train::RunConfig config_;
  bool speaks_, is_terminal_;
  double gemm_rate_;
  train::RunPlan plan_;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now(), shown_ = {};
};

}  // namespace kyrtos::program
