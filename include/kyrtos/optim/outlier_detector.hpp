// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <deque>

namespace kyrtos::optim {

/// The z-score of a value against a window of those before it: how many standard deviations it
/// lies from their mean.
class OutlierDetector {
 public:
  explicit OutlierDetector(std::size_t window = 128) : window_(window) {}

  /// The z-score of `value`, which then joins the window; 0 until the window is half full, while
  /// all its values are equal, and for values that are not finite, which do not join.
  double score(double value);

  std::deque<double> const& values() const { return values_; }
  void restore(std::deque<double> values) { values_ = std::move(values); }

 private:
  std::size_t window_;
  std::deque<double> values_;
};

}  // namespace kyrtos::optim
