// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/block_power.hpp>
#include <kyrtos/curvature/detail/rayleigh_ritz.hpp>
#include <kyrtos/curvature/detail/spectral_shift.hpp>

#include <cmath>
#include <limits>

namespace kyrtos::curvature {

template <class Scalar, class Space>
BlockPower<Scalar, Space>::BlockPower(Context<Space> const& context, Index size, int block)
    : context_(context),
      u_(detail::allocate_rows<Scalar>(context, "curvature::block_power::u", block, size)),
      w_(detail::allocate_rows<Scalar>(context, "curvature::block_power::w", block, size)) {
  require<ConfigError>(block >= 1 && block <= detail::largest_block && block <= size,
                       "BlockPower: the block must have 1 to 8 vectors, and no more than "
                       "the operator has dimensions");
}

/// W ← AU, then both rotated to the Ritz vectors, most wanted first.
template <class Scalar, class Space>
void BlockPower<Scalar, Space>::apply_and_rotate(LinearOperator<Scalar, Space>& op,
                                                 Spectrum target) {
  int const k = static_cast<int>(u_.extent(0));
  std::vector<double> projected;
  for (int j = 0; j < k; ++j) {
    op.apply(context_, detail::row(u_, j), detail::row(w_, j));
    auto const c = detail::project(context_, u_, k, detail::row(w_, j));
    projected.insert(projected.end(), c.begin(), c.end());
  }
  auto const rotation = detail::ritz_rotation(projected, k, target);
  detail::rotate_rows(context_, u_, rotation);
  detail::rotate_rows(context_, w_, rotation);
}

template <class Scalar, class Space>
Eigenvalues BlockPower<Scalar, Space>::solve(LinearOperator<Scalar, Space>& op,
                                             BlockPowerOptions const& options,
                                             MatrixView<Scalar const, Space> start) {
  int const k = static_cast<int>(u_.extent(0));
  require(op.size() == static_cast<Index>(u_.extent(1)),
          "BlockPower: the operator has another size than this solver was made for");
  require<ConfigError>(options.max_hvps >= k,
                       "BlockPower: max_hvps must be at least the number of vectors");
  if (start.size() == 0)
    detail::fill_normal(context_, flat(u_), detail::philox(options.seed, detail::Stream::start));
  else
    linalg::copy(context_, flat(start), flat(u_));
  detail::orthonormalize_rows(context_, u_, options.seed);

  detail::SpectralShift rule(options.target, std::nullopt,
                             10 * std::numeric_limits<Scalar>::epsilon());
  double largest_image = 0;
  Eigenvalues result;
  while (true) {
    apply_and_rotate(op, options.target);
    result.hvps += k;
    result.pairs.clear();
    std::vector<double> values;
    result.converged = true;
    for (int j = 0; j < k; ++j) {
      auto const q = detail::rayleigh_quotient(context_, detail::row(u_, j), detail::row(w_, j));
      values.push_back(q.value);
      largest_image = std::max(largest_image, q.image);
      result.pairs.push_back({q.value, detail::relative(q.residual, q.value)});
      result.converged &= result.pairs.back().residual <= options.tolerance;
    }
    if (result.converged || result.hvps + k > options.max_hvps) break;
    double const shift = rule.next(values, largest_image);
    linalg::axpby(context_, shift, flat(u_), 1.0, flat(w_));
    std::swap(u_, w_);
    detail::orthonormalize_rows(context_, u_, options.seed);
  }
  return result;
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::BlockPower)
