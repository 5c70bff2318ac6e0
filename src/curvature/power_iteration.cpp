// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/detail/vector_set.hpp>
#include <kyrtos/curvature/power_iteration.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kyrtos::curvature {

namespace {

/// The shift c with which power iteration on A + cI tends to one *algebraic* end of the spectrum.
///
/// For the largest eigenvalue c must exceed −(λmin + λmax)/2. It starts at half of N, the largest
/// ‖Au‖ so far: enough for any spectrum with |λmin| ≤ 2λmax once N is near the norm, and a bulk
/// around zero then still shrinks to a third in each iteration. While c is too small the Rayleigh
/// quotient falls, which it can't when A + cI is positive semidefinite; c is doubled then. For the
/// smallest eigenvalue the same holds for −A. Largest magnitude needs none: c = 0.
class Shift {
 public:
  /// \param rounding the relative error of a Rayleigh quotient, below which a fall means nothing.
  Shift(PowerIterationOptions const& options, double rounding)
      : options_(options), rounding_(rounding) {}

  /// After an iteration that gave this Rayleigh quotient.
  double next(double value, double largest_image) {
    if (options_.target == Spectrum::largest_magnitude) return 0;
    if (options_.shift) return *options_.shift;
    double const sign = options_.target == Spectrum::smallest_algebraic ? -1 : 1;
    if (has_previous_ && sign * (value - previous_) < -rounding_ * largest_image)
      share_ = std::min(2 * share_, 64.0);
    has_previous_ = true;
    previous_ = value;
    return sign * share_ * largest_image;
  }

 private:
  PowerIterationOptions options_;
  double rounding_, share_ = 0.5;  // c/N
  bool has_previous_ = false;
  double previous_ = 0;
};

}  // namespace

template <class Scalar, class Space>
PowerIteration<Scalar, Space>::PowerIteration(Context<Space> const& context, Index size)
    : context_(context),
      u_(allocate<Scalar>(context, "curvature::power_iteration::u", size)),
      w_(allocate<Scalar>(context, "curvature::power_iteration::w", size)) {}

template <class Scalar, class Space>
auto PowerIteration<Scalar, Space>::solve(LinearOperator<Scalar, Space>& op,
                                          PowerIterationOptions const& options,
                                          VectorView<Scalar const, Space> start) -> Result {
  require(op.size() == static_cast<Index>(u_.size()),
          "PowerIteration: the operator has another size than this solver was made for");
  require<ConfigError>(options.max_hvps >= 1, "PowerIteration: max_hvps must be at least 1");
  auto const partition = op.partition();
  DistributedView<Scalar, Space> const u(u_, partition), w(w_, partition);
  detail::start_vector(context_, u, start, options.seed);
  Shift rule(options, 10 * std::numeric_limits<Scalar>::epsilon());
  double largest_image = 0;
  Result result;
  while (true) {
    op.apply(context_, u_, w_);
    ++result.hvps;
    auto const q = detail::rayleigh_quotient(context_, u, w);
    require<NumericalError>(std::isfinite(q.value) && std::isfinite(q.residual),
                            "PowerIteration: the operator yields NaN or an infinity");
    result.value = q.value;
    result.residual = detail::relative(q.residual, q.value);
    result.converged = result.residual <= options.tolerance;
    if (result.converged || result.hvps >= options.max_hvps) break;
    largest_image = std::max(largest_image, q.image);
    double const shift = rule.next(q.value, largest_image);
    // ‖w + cu‖² for ‖u‖ = 1
    double const length = std::sqrt(q.image * q.image + shift * (2 * q.value + shift)) * q.norm;
    if (!(length > 0)) break;  // A's null vector: λ = 0 with nothing to relate a residual to.
    linalg::axpby(context_, 1 / length, w_, shift / length, u_);
  }
  return result;
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::PowerIteration)
