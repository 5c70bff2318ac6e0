// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/optim/adamw.hpp>
#include <kyrtos/train/curvature_probe.hpp>

#include "../train/trainer_state.hpp"
#include "model.hpp"

#include <string>

namespace kyrtos::c {

/// AdamW on batches of the caller, with the curvature watched where that is asked for.
template <class Scalar>
class Training {
 public:
  /// \throws ConfigError when the model's configuration names another optimiser.
  explicit Training(std::shared_ptr<Model<Scalar>> model);

  /// Collective, as all that follow.
  void watch(std::span<kyrtos_batch const> probe);
  kyrtos_step step(std::span<kyrtos_batch const> batches, double learning_rate);
  void save(std::string const& path) const;
  void restore(std::string const& path);

 private:
  std::string state() const;

  std::shared_ptr<Model<Scalar>> model_;
  TrainerState state_;  // but for what moves, which state() asks for
  Vector<Scalar, Space> gradient_;
  optim::AdamW<Scalar, Space> optimizer_;
  std::optional<Batches<Scalar>> watched_;
  std::optional<CurvatureProbe<Scalar, Space>> probe_;
};

}  // namespace kyrtos::c
