// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

namespace kyrtos::optim {

enum class Decay { constant, linear, cosine };

/// The learning rate of each step: linear warm-up to the peak, perhaps a time at the peak (warm-up,
/// stable, decay: Hu et al. 2024, arXiv 2404.06395), then decay to a floor.
struct LearningRate {
  double peak = 1e-3;
  Index warmup_steps = 0;
  Index total_steps = 1;  ///< Where the decay ends.
  Index decay_steps = 0;  ///< Over which it decays, the last before total_steps; 0: since warm-up.
  Decay decay = Decay::cosine;
  double floor = 0;  ///< The lowest rate, as a share of the peak.

  /// \param step counted from 0. The first step of a warm-up of n has 1/n of the peak, so that no
  /// step is lost on a rate of zero.
  double at(Index step) const;
};

}  // namespace kyrtos::optim
