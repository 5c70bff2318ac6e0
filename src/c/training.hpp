// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/train/trainer.hpp>

#include "../train/run_state.hpp"
#include "model.hpp"

#include <string>

namespace kyrtos::c {

/// Trains a model on batches of the caller, with the curvature watched where that is asked for.
template <class Scalar>
class Training {
 public:
  explicit Training(std::shared_ptr<Model<Scalar>> model);

  /// Collective, as all that follow.
  void watch(std::span<kyrtos_batch const> probe);
  kyrtos_step step(std::span<kyrtos_batch const> batches, double learning_rate);
  void save(std::string const& path) const;
  void allow_change(std::string const& key);
  void restore(std::string const& path);

 private:
  std::shared_ptr<Model<Scalar>> model_;
  train::RunState state_;  // but for what moves, which the trainer knows
  model::Objective<Scalar, Space> objective_;
  std::unique_ptr<optim::Optimizer<Scalar, Space>> optimizer_;
  train::Trainer<Scalar, Space> trainer_;
  std::optional<Batches<Scalar>> watched_;
  std::vector<std::string> allowed_;  // keys that a checkpoint may have otherwise
};

}  // namespace kyrtos::c
