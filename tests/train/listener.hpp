// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/run_training.hpp>

#include "tiny_run.hpp"

#include <functional>

namespace kyrtos::testing {

/// Remembers what it heard, and does something after a given step.
struct Listener final : train::RunObserver {
  train::RunPlan plan;
  std::vector<train::StepReport> steps;
  std::vector<std::string> saves, faults;
  std::function<void(train::StepReport const&)> then = [](train::StepReport const&) {};

  void started(train::RunPlan const& p) override { plan = p; }
  void stepped(train::StepReport const& report) override {
    steps.push_back(report);
    then(report);
  }
  void saved(std::string const& path) override { saves.push_back(path); }
  void failed_to_write(std::string const& why) override { faults.push_back(why); }
};

inline train::RunResult execute(TinyRun const& run, Listener& listener,
                                train::RunOptions const& options = {}) {
  return train::run_training<float>(run.context, run.config, options, listener);
}

}  // namespace kyrtos::testing
