// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

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
};

std::string to_json(TrainerState const& state);

/// \throws FileError, naming `file`, when something is missing or of another type.
TrainerState trainer_state_from_json(std::string const& text, std::string const& file);

}  // namespace kyrtos
