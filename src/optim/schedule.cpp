// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/optim/schedule.hpp>

#include <algorithm>
#include <cmath>

namespace kyrtos::optim {

double LearningRate::at(Index step) const {
  if (step < warmup_steps)
    return peak * static_cast<double>(step + 1) / static_cast<double>(warmup_steps);
  Index const begin =
      decay_steps > 0 ? std::max(total_steps - decay_steps, warmup_steps) : warmup_steps;
  auto const length = static_cast<double>(std::max<Index>(total_steps - begin, 1));
  double const done = std::clamp(static_cast<double>(step - begin) / length, 0.0, 1.0);
  double share = 1;
  if (decay == Decay::linear) share = 1 - done;
  if (decay == Decay::cosine) share = 0.5 * (1 + std::cos(3.14159265358979323846 * done));
  return peak * (floor + (1 - floor) * share);
}

}  // namespace kyrtos::optim
