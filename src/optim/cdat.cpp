// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/optim/cdat.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kyrtos::optim {

double Cdat::rate(double decrease, double curvature) {
  if (std::isfinite(decrease) && std::isfinite(curvature)) {
    double const b = options_.smoothing;
    state_.decrease = b * state_.decrease + (1 - b) * std::max(decrease, 0.0);
    state_.curvature = b * state_.curvature + (1 - b) * std::abs(curvature);
  }
  if (state_.curvature <= 0) return std::numeric_limits<double>::infinity();
  return options_.scale * state_.decrease / state_.curvature;
}

}  // namespace kyrtos::optim
