// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "quartiles.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kyrtos::bench {

Quartiles quartiles_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  auto const at = [&](double share) {
    double const place = share * static_cast<double>(values.size() - 1);
    auto const below = static_cast<std::size_t>(place);
    auto const above = std::min(below + 1, values.size() - 1);
    return std::lerp(values[below], values[above], place - static_cast<double>(below));
  };
  return {at(0.25), at(0.5), at(0.75)};
}

double log_slope(std::vector<std::pair<double, double>> const& points) {
  auto const n = static_cast<double>(points.size());
  double mean_x = 0, mean_y = 0;
  for (auto const& [x, y] : points) {
    mean_x += std::log(x) / n;
    mean_y += std::log(y) / n;
  }
  double covariance = 0, variance = 0;
  for (auto const& [x, y] : points) {
    covariance += (std::log(x) - mean_x) * (std::log(y) - mean_y);
    variance += (std::log(x) - mean_x) * (std::log(x) - mean_x);
  }
  double const slope = covariance / variance;
  return std::isfinite(slope) ? slope : std::numeric_limits<double>::quiet_NaN();
}

double performance_portability(std::vector<double> const& efficiencies) {
  double sum = 0;
  for (double const e : efficiencies) {
    if (!(e > 0)) return 0;
    sum += 1 / e;
  }
  return efficiencies.empty() ? 0 : static_cast<double>(efficiencies.size()) / sum;
}

}  // namespace kyrtos::bench
