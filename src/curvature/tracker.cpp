// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/detail/rayleigh_ritz.hpp>
#include <kyrtos/curvature/tracker.hpp>

#include <algorithm>
#include <cmath>

namespace kyrtos::curvature {

namespace {

/// From here on the certificate |λ − eigenvalue| ≤ residual·|λ| says nothing.
constexpr double lost_residual = 1;

/// A Rayleigh quotient that falls by less has merely been rounded, or hardly changed.
constexpr double fall_tolerance = 1e-4;

}  // namespace

template <class Scalar, class Space>
CurvatureTracker<Scalar, Space>::CurvatureTracker(Context<Space> const& context,
                                                  LinearOperator<Scalar, Space>& op,
                                                  StabilityThreshold threshold,
                                                  TrackerOptions const& options)
    : context_(context),
      operator_(&op),
      threshold_(threshold),
      options_(options),
      u_(detail::allocate_rows<Scalar>(context, "curvature::tracker::u", options.block, op.size())),
      w_(detail::allocate_rows<Scalar>(context, "curvature::tracker::w", options.block,
                                       op.size())) {
  require<ConfigError>(options.block >= 1 && options.block <= 4 && options.block <= op.size(),
                       "CurvatureTracker: block must be from 1 to 4");
  require<ConfigError>(options.every >= 1, "CurvatureTracker: every must be at least 1");
  require<ConfigError>(
      options.min_hvps >= 1 && options.min_hvps <= options.max_hvps &&
          options.max_hvps >= options.block && options.cold_hvps >= options.block,
      "CurvatureTracker: min_hvps must be at least 1 and at most max_hvps; max_hvps and cold_hvps "
      "at least one for each vector of the block");
}

template <class Scalar, class Space>
SharpnessReport CurvatureTracker<Scalar, Space>::update(double learning_rate) {
  if (state_.updates++ % options_.every == 0) {
    state_.last = measure(learning_rate);
    return state_.last;
  }
  // The step size may have changed since λ was measured.
  SharpnessReport report = state_.last;
  report.measured = false;
  report.hvps = 0;
  if (report.lambda) report.threshold_ratio = threshold_.ratio(*report.lambda, learning_rate);
  report.stability = classify(report.threshold_ratio, options_.margin);
  return report;
}

template <class Scalar, class Space>
SharpnessReport CurvatureTracker<Scalar, Space>::measure(double learning_rate) {
  SharpnessReport report;
  if (!state_.has_vectors)
    detail::fill_normal(context_, flat(u_),
                        detail::philox(options_.seed, detail::Stream::restart,
                                       static_cast<std::uint64_t>(state_.updates)));
  Index const budget = state_.warm ? options_.max_hvps : options_.cold_hvps;
  bool is_first = !state_.has_vectors;
  state_.has_vectors = state_.warm = false;
  detail::RayleighQuotient q;
  double residual = 0;
  do {
    try {
      apply_and_rotate();
    } catch (NumericalError const&) {  // what a NaN is to small matrices
      report.hvps += options_.block;
      return report;
    }
    report.hvps += options_.block;
    q = detail::rayleigh_quotient(context_, detail::row(u_, 0), detail::row(w_, 0));
    if (!std::isfinite(q.value) || !std::isfinite(q.residual)) return report;
    residual = detail::relative(q.residual, q.value);
    advance(next_shift(q.value, q.image, residual, is_first), q.value, q.image, q.norm);
    is_first = false;
  } while (report.hvps + options_.block <= budget &&
           (report.hvps < options_.min_hvps || residual > options_.target_residual));
  state_.has_vectors = true;
  state_.warm = residual < lost_residual;
  if (!state_.warm) return report;
  report.lambda = q.value;
  report.residual = residual;
  report.threshold_ratio = threshold_.ratio(q.value, learning_rate);
  report.quality = residual <= options_.target_residual ? Quality::converged : Quality::following;
  report.stability = classify(report.threshold_ratio, options_.margin);
  return report;
}

/// W ← AU; with more than one vector both are rotated to the Ritz vectors, most wanted first.
template <class Scalar, class Space>
void CurvatureTracker<Scalar, Space>::apply_and_rotate() {
  int const k = options_.block;
  if (k == 1) return operator_->apply(context_, detail::row(u_, 0), detail::row(w_, 0));
  detail::orthonormalize_rows(context_, u_,
                              options_.seed + static_cast<std::uint64_t>(state_.updates));
  std::vector<double> projected;
  for (int j = 0; j < k; ++j) {
    operator_->apply(context_, detail::row(u_, j), detail::row(w_, j));
    auto const c = detail::project(context_, u_, k, detail::row(w_, j));
    projected.insert(projected.end(), c.begin(), c.end());
  }
  auto const rotation = detail::ritz_rotation(projected, k, options_.target);
  detail::rotate_rows(context_, u_, rotation);
  detail::rotate_rows(context_, w_, rotation);
}

template <class Scalar, class Space>
double CurvatureTracker<Scalar, Space>::next_shift(double value, double image, double residual,
                                                   bool is_first) {
  if (options_.target == Spectrum::largest_magnitude) return 0;
  double const sign = options_.target == Spectrum::smallest_algebraic ? -1 : 1;
  double const change = sign * (value - state_.value);
  state_.value = value;
  double& c = state_.shift;
  if (sign * value < 0) {
    c = image;
    return sign * 2 * image;
  }
  bool const fell = !is_first && change < -fall_tolerance * std::fabs(value);
  c = std::clamp(fell ? 2 * c : 0.9 * c, image * std::min(residual, 1.0) / 2, image);
  return sign * c;
}

/// U ← (W + cU)/ℓ, with ℓ the length of the first row's.
template <class Scalar, class Space>
void CurvatureTracker<Scalar, Space>::advance(double shift, double value, double image,
                                              double norm) {
  double const length = std::sqrt(image * image + shift * (2 * value + shift)) * norm;
  if (length > 0) linalg::axpby(context_, 1 / length, flat(w_), shift / length, flat(u_));
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::CurvatureTracker)
