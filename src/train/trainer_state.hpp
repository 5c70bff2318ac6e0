// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/growth/depth_growth.hpp>
#include <kyrtos/optim/cdat.hpp>
#include <kyrtos/train/curvature_probe.hpp>

#include <deque>
#include <string>

namespace kyrtos {

/// What a checkpoint holds of a trainer beside its vectors.
struct TrainerState {
  Index step = 0;  ///< Steps done. The data position follows from it.
  std::string optimizer;
  Index optimizer_steps = 0;
  std::deque<double> losses, gradient_norms;  ///< Of the steps that z-scores compare with.
  ProbeState probe;
  growth::GrowthState growth;
  std::optional<double> best_validation_loss = {};
  std::optional<double> threshold_ratio;  ///< Of the last step.
  optim::Cdat::State cdat = {};
};

std::string to_json(TrainerState const& state);

/// \throws FileError, naming `file`, when something is missing or of another type.
TrainerState trainer_state_from_json(std::string const& text, std::string const& file);

/// Which blocks took part and since when; nothing where a state, perhaps from elsewhere, does not
/// say. \throws FileError, naming `file`, when it says something else.
std::optional<growth::GrowthState> growth_state_from_json(std::string const& text,
                                                          std::string const& file);

}  // namespace kyrtos
