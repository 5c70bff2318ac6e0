// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/detail/spectral_shift.hpp>
#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/detail/vector_set.hpp>
#include <kyrtos/curvature/power_iteration.hpp>

#include <cmath>
#include <limits>

namespace kyrtos::curvature {

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
  detail::start_vector(context_, u_, start, options.seed);
  detail::SpectralShift rule(options.target, options.shift,
                             10 * std::numeric_limits<Scalar>::epsilon());
  double largest_image = 0;
  Result result;
  while (true) {
    op.apply(context_, u_, w_);
    ++result.hvps;
    auto const q = detail::rayleigh_quotient(context_, u_, w_);
    require<NumericalError>(std::isfinite(q.value) && std::isfinite(q.residual),
                            "PowerIteration: the operator yields NaN or an infinity");
    result.value = q.value;
    result.residual = detail::relative(q.residual, q.value);
    result.converged = result.residual <= options.tolerance;
    if (result.converged || result.hvps >= options.max_hvps) break;
    largest_image = std::max(largest_image, q.image);
    double const shift = rule.next(std::vector<double>{q.value}, largest_image);
    // ‖w + cu‖² for ‖u‖ = 1
    double const length = std::sqrt(q.image * q.image + shift * (2 * q.value + shift)) * q.norm;
    if (!(length > 0)) break;  // A's null vector: λ = 0 with nothing to relate a residual to.
    linalg::axpby(context_, 1 / length, w_, shift / length, u_);
  }
  return result;
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::PowerIteration)
