// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/optim/outlier_detector.hpp>

#include <cmath>

namespace kyrtos::optim {

double OutlierDetector::score(double value) {
  if (!std::isfinite(value)) return 0;
  double z = 0;
  if (2 * values_.size() >= window_) {
    auto const n = static_cast<double>(values_.size());
    // Relative to one of them, so that equal values have no deviation at all.
    double const origin = values_.front();
    double mean = 0, squares = 0;
    for (double const v : values_) mean += (v - origin) / n;
    for (double const v : values_) squares += (v - origin - mean) * (v - origin - mean);
    double const deviation = std::sqrt(squares / n);
    if (deviation > 0) z = (value - origin - mean) / deviation;
  }
  values_.push_back(value);
  if (values_.size() > window_) values_.pop_front();
  return z;
}

}  // namespace kyrtos::optim
