// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/detail/rayleigh_ritz.hpp>
#include <kyrtos/curvature/tracker.hpp>

#include "detail/pencil.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

namespace kyrtos::curvature {

namespace {

/// From here on the certificate |λ − eigenvalue| ≤ residual·|λ| says nothing.
constexpr double lost_residual = 1;

/// The newest sample's share of an exponential moving average, and the relative remainder from
/// which a sample counts half: rounding errors are divided by its square.
constexpr double newest_share = 0.3, half_trusted = 0.01;

double sign_of(Spectrum target, double value) {
  if (target == Spectrum::largest_magnitude) return value < 0 ? -1 : 1;
  return target == Spectrum::smallest_algebraic ? -1 : 1;
}

}  // namespace

/// What one product said of ‖u‖ = 1: ϱ, ρ, ‖w‖, and the shift c with which u was carried on.
template <class Scalar, class Space>
struct CurvatureTracker<Scalar, Space>::Product {
  double value = 0, remainder = 0, image = 0, shift = 0;
};

template <class Scalar, class Space>
CurvatureTracker<Scalar, Space>::CurvatureTracker(Context<Space> const& context,
                                                  LinearOperator<Scalar, Space>& op,
                                                  StabilityThreshold threshold,
                                                  TrackerOptions const& options,
                                                  Preconditioner const* preconditioner,
                                                  VectorView<Scalar, Space> image)
    : context_(context),
      operator_(&op),
      threshold_(threshold),
      options_(options),
      none_(op.size()),
      preconditioner_(preconditioner != nullptr ? preconditioner : &none_),
      partition_(op.partition()),
      x_(allocate_rows<Scalar>(context, "curvature::tracker::x", options.block, op.size())) {
  require<ConfigError>(options.block >= 1 && options.block <= 4 && options.block <= op.size(),
                       "CurvatureTracker: block must be from 1 to 4");
  require<ConfigError>(options.every >= 1, "CurvatureTracker: every must be at least 1");
  require<ConfigError>(
      options.min_hvps >= 1 && options.min_hvps <= options.max_hvps &&
          options.max_hvps >= options.block && options.cold_hvps >= options.block,
      "CurvatureTracker: min_hvps must be at least 1 and at most max_hvps; max_hvps and cold_hvps "
      "at least one for each vector of the block");
  require(preconditioner_->size() == op.size() &&
              (image.size() == 0 || static_cast<Index>(image.size()) == op.size()),
          "CurvatureTracker: preconditioner and image must have the operator's size");
  bool const borrows = options.block == 1 && image.size() > 0;
  if (!borrows)
    own_image_ = allocate_rows<Scalar>(context, "curvature::tracker::y", options.block, op.size());
  y_ = borrows ? as_matrix(image, 0, 1, op.size()) : MatrixView<Scalar, Space>(own_image_);
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
  if (!state_.has_vectors) draw_vectors();
  bool const was_warm = state_.warm;
  auto const budget = [&](double residual) {
    return was_warm && residual < lost_residual ? options_.max_hvps : options_.cold_hvps;
  };
  state_.has_vectors = state_.warm = false;
  Eigenvalue found;
  std::optional<Product> before;
  for (bool goes_on = true; goes_on;) {
    try {
      apply_and_rotate();
    } catch (NumericalError const&) {  // what a NaN is to small matrices
      report.hvps += options_.block;
      return report;
    }
    report.hvps += options_.block;
    auto const q = detail::rayleigh_quotient<Scalar, Space>(context_, *preconditioner_,
                                                            vector(x_, 0), vector(y_, 0));
    if (!std::isfinite(q.value) || !std::isfinite(q.residual)) return report;
    if (before) sample_rest(*before, q.value);
    Product product{q.value, q.residual, q.image};
    found = estimate(product);
    goes_on = report.hvps + options_.block <= budget(found.residual) &&
              (report.hvps < options_.min_hvps || found.residual > options_.target_residual) &&
              !options_.interrupted();
    product.shift = goes_on ? shift_to_ritz(product) : shift(product);
    advance(product, q.norm);
    before = product;
  }
  state_.has_vectors = true;
  state_.warm = found.residual < lost_residual;
  if (!state_.warm) return report;
  report.lambda = found.value;
  report.residual = found.residual;
  report.threshold_ratio = threshold_.ratio(found.value, learning_rate);
  report.quality =
      found.residual <= options_.target_residual ? Quality::converged : Quality::following;
  report.stability = classify(report.threshold_ratio, options_.margin);
  return report;
}

/// Random u.
template <class Scalar, class Space>
void CurvatureTracker<Scalar, Space>::draw_vectors() {
  auto const random = detail::philox(options_.seed, detail::Stream::restart,
                                     static_cast<std::uint64_t>(state_.updates));
  auto const length = static_cast<std::uint64_t>(partition_.size());
  for (int j = 0; j < options_.block; ++j)
    detail::fill_normal(context_, vector(x_, j), random, length * static_cast<unsigned>(j));
  detail::scale_rows<Scalar, Space>(context_, *preconditioner_, detail::Root::inverse, x_);
}

/// Y ← AX; with more than one vector both are rotated to the Ritz vectors, most wanted first.
template <class Scalar, class Space>
void CurvatureTracker<Scalar, Space>::apply_and_rotate() {
  int const k = options_.block;
  if (k == 1) return operator_->apply(context_, detail::row(x_, 0), detail::row(y_, 0));
  detail::scale_rows<Scalar, Space>(context_, *preconditioner_, detail::Root::direct, x_);
  detail::orthonormalize_rows(context_, x_, partition_,
                              options_.seed + static_cast<std::uint64_t>(state_.updates));
  detail::scale_rows<Scalar, Space>(context_, *preconditioner_, detail::Root::inverse, x_);
  std::vector<double> projected;
  for (int j = 0; j < k; ++j) {
    operator_->apply(context_, detail::row(x_, j), detail::row(y_, j));
    auto const c = detail::project(context_, x_, k, vector(y_, j));  // ⟨u, w⟩ = ⟨x, y⟩
    projected.insert(projected.end(), c.begin(), c.end());
  }
  auto const rotation = detail::ritz_rotation(projected, k, options_.target);
  detail::rotate_rows(context_, x_, rotation);
  detail::rotate_rows(context_, y_, rotation);
}

/// m of the product before, from the Rayleigh quotient of the vector that it was made into.
template <class Scalar, class Space>
void CurvatureTracker<Scalar, Space>::sample_rest(Product const& before, double value) {
  double const square = before.remainder * before.remainder, pull = before.value + before.shift;
  if (options_.block > 1 || !(square > 0)) return;
  double const m =
      (value * (pull * pull + square) - pull * pull * before.value) / square - 2 * pull;
  double const relative = square / (before.image * before.image);
  double const trust = relative / (relative + half_trusted * half_trusted);
  double const sign = sign_of(options_.target, value);
  double const sample = std::clamp(sign * m / before.image, -4.0, 0.9);
  state_.rest += newest_share * trust * (sample - state_.rest);
}

/// The Ritz value of span{u, w} on the wanted side of ϱ, and its residual.
template <class Scalar, class Space>
Eigenvalue CurvatureTracker<Scalar, Space>::estimate(Product const& p) const {
  double const sign = sign_of(options_.target, p.value);
  if (options_.block > 1 || sign * p.value <= 0)
    return {p.value, detail::relative(p.remainder, p.value)};
  double const half_gap = (sign * p.value - state_.rest * p.image) / 2;
  double const rise = std::hypot(half_gap, p.remainder) - half_gap;
  double const lambda = p.value + sign * rise;
  return {lambda, detail::relative(std::hypot(p.remainder, rise), lambda)};
}

template <class Scalar, class Space>
double CurvatureTracker<Scalar, Space>::shift(Product const& p) const {
  if (options_.target == Spectrum::largest_magnitude) return 0;
  double const sign = sign_of(options_.target, p.value);
  if (sign * p.value < 0) return sign * 2 * p.image;
  return sign * std::max(0.0, -2 * state_.rest * p.image - sign * p.value);
}

/// With c = λ − m − ϱ, w + cu is the Ritz vector of span{u, w} itself.
template <class Scalar, class Space>
double CurvatureTracker<Scalar, Space>::shift_to_ritz(Product const& p) const {
  double const sign = sign_of(options_.target, p.value);
  if (options_.block > 1 || sign * p.value <= 0) return shift(p);
  return estimate(p).value - sign * state_.rest * p.image - p.value;
}

/// u ← (w + cu)/ℓ in every row, with ℓ the length of the first row's.
template <class Scalar, class Space>
void CurvatureTracker<Scalar, Space>::advance(Product const& p, double norm) {
  double const length = std::hypot(p.value + p.shift, p.remainder) * norm;
  if (length > 0)
    detail::combine_rows<Scalar, Space>(context_, *preconditioner_, 1 / length, y_,
                                        p.shift / length, x_);
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::CurvatureTracker)
