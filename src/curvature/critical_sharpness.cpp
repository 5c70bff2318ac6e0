// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/critical_sharpness.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace kyrtos::curvature {

namespace {

/// A step size η and q(η) = (L(θ − ηd) − L(θ))/η.
struct Trial {
  double step = 0;
  double slope = 0;
};

/// Where the line through two trials crosses zero; NaN where that says nothing.
double crossing(Trial const& a, Trial const& b) {
  if (!std::isfinite(a.slope) || !std::isfinite(b.slope) || a.slope == b.slope)
    return std::numeric_limits<double>::quiet_NaN();
  return a.step - a.slope * (b.step - a.step) / (b.slope - a.slope);
}

/// The search for the sign change of q, and the trials nearest to it on either side.
///
/// Trials aim a third of the tolerance past the root, on one side and then on the other: two good
/// guesses close the bracket.
class Search {
 public:
  /// `start`: where to begin; the root itself, near enough, when `is_root`.
  Search(double tolerance, double start, bool is_root)
      : tolerance_(tolerance),
        start_(is_root ? start * shorter() : start),
        stride_(is_root ? longer() / shorter() : 2) {}

  void add(Trial const& trial) {
    (trial.slope > 0 ? above_ : below_).push_back(trial);
    last_was_below_ = trial.slope <= 0;
  }

  bool has_bracket() const { return !below_.empty() && !above_.empty(); }
  double low() const { return below_.back().step; }
  double high() const { return above_.back().step; }
  bool is_done() const { return has_bracket() && high() <= low() * (1 + tolerance_); }

  double next() const {
    if (has_bracket()) return inside();
    if (!below_.empty()) return beyond(below_, 2, stride_, longer());
    return above_.empty() ? start_ : beyond(above_, 0.5, 0.5, shorter());
  }

  /// The best guess of the root within the bracket.
  double root() const {
    double const r = crossing(below_.back(), above_.back());
    return std::isnan(r) ? middle() : std::clamp(r, low(), high());
  }

 private:
  double longer() const { return 1 + tolerance_ / 3; }
  double shorter() const { return 1 - tolerance_ / 3; }
  double middle() const { return std::sqrt(low() * high()); }

  /// Past the secant's root, on the side that the last trial was not on where that is possible.
  double inside() const {
    bool const stuck = below_.size() + above_.size() > 6;
    double trials[] = {root() * longer(), root() * shorter()};
    if (!last_was_below_) std::swap(trials[0], trials[1]);
    for (double const trial : trials)
      if (!stuck && trial > low() && trial < high()) return trial;
    return middle();
  }

  /// At first by `stride` further, then by `factor`, or further yet where the last two trials
  /// point there: `past` their secant's root.
  double beyond(std::vector<Trial> const& side, double factor, double stride, double past) const {
    Trial const last = side.back();
    if (side.size() < 2) return last.step * stride;
    double const guess = crossing(side[side.size() - 2], last) * past;
    if (!(guess > 0)) return last.step * factor * factor;
    double const far = last.step * factor * factor * factor,
                 near = last.step * std::pow(factor, 0.1);
    return std::clamp(guess, std::min(near, far), std::max(near, far));
  }

  double tolerance_, start_, stride_;
  std::vector<Trial> below_, above_;  // the last of each is the nearest to the root
  bool last_was_below_ = false;
};

}  // namespace

CriticalSharpness::CriticalSharpness(LossAlongUpdate loss, CriticalSharpnessOptions const& options)
    : loss_(std::move(loss)), options_(options) {
  require<ConfigError>(options.max_forward_passes >= 3,
                       "CriticalSharpness: max_forward_passes must be at least 3");
  require<ConfigError>(options.tolerance > 0 && options.tolerance < 1,
                       "CriticalSharpness: tolerance must lie between 0 and 1");
}

SharpnessReport CriticalSharpness::update(double learning_rate) {
  SharpnessReport report;
  bool const warm = last_step_size_ > 0;
  double const start = warm ? last_step_size_ : learning_rate;
  last_step_size_ = 0;
  if (!(start > 0)) return report;
  double const loss_here = loss_(0.0);
  report.forward_passes = 1;
  if (!std::isfinite(loss_here)) return report;

  Search search(options_.tolerance, start, warm);
  while (report.forward_passes < options_.max_forward_passes && !search.is_done()) {
    double const step = search.next(), loss = loss_(step);
    ++report.forward_passes;
    double const slope = (loss - loss_here) / step;
    search.add({step, std::isnan(slope) ? std::numeric_limits<double>::infinity() : slope});
  }
  if (!search.has_bracket()) return report;
  last_step_size_ = search.root();
  report.lambda = 2 / last_step_size_;
  report.threshold_ratio = learning_rate / last_step_size_;
  report.quality = search.is_done() ? Quality::converged : Quality::following;
  report.stability = classify(report.threshold_ratio, options_.margin);
  return report;
}

}  // namespace kyrtos::curvature
