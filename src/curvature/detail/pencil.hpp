// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/detail/vector_set.hpp>
#include <kyrtos/curvature/preconditioner.hpp>

/// \file
/// \brief The pencil A x = λ P x: P^(-1/2) A P^(-1/2) seen from the parameters.
///
/// With u = P^(1/2) x and w = P^(-1/2) y, y = A x, everything that power iteration asks of u and w
/// can be said of x and y: ⟨u, u⟩ = Σ P x², ⟨u, w⟩ = Σ x y, ⟨w, w⟩ = Σ y²/P, and w + cu belongs to
/// P⁻¹y + cx. No vector is scaled, and when P changes x stays what it is.

namespace kyrtos::curvature::detail {

/// The Rayleigh quotient of u and w, from x and y: reads x, y and what P is made of once.
template <class Scalar, class Space>
RayleighQuotient rayleigh_quotient(Context<Space> const& context,
                                   AdamPreconditioner<Scalar, Space> const& preconditioner,
                                   DistributedView<Scalar const, Space> x,
                                   DistributedView<Scalar const, Space> y) {
  std::array<double, 3> total{};  // uu, uw, ww
  preconditioner.for_each_range(
      [&](Index offset, Index size, PreconditionerElement<Scalar, Space> const& p) {
        auto const xs = slice(x.local(), offset, size), ys = slice(y.local(), offset, size);
        auto const sums = local_sums<3>(
            context, "kyrtos::curvature::rayleigh_quotient", size, KOKKOS_LAMBDA(Index i) {
              double const a = xs(i), b = ys(i), weight = p(i);
              return Tuple<3>{{weight * a * a, a * b, b * b / weight}};
            });
        for (std::size_t k = 0; k < 3; ++k) total[k] += sums[k];
      });
  linalg::detail::sum_over_ranks(context, x, total);
  auto const [uu, uw, ww] = total;
  double const lambda = uw / uu;
  double square = ww - lambda * uw;
  if (!(square > least_remainder * ww)) {  // it lost its digits to cancellation
    square = 0;
    preconditioner.for_each_range(
        [&](Index offset, Index size, PreconditionerElement<Scalar, Space> const& p) {
          auto const xs = slice(x.local(), offset, size), ys = slice(y.local(), offset, size);
          square += local_sums<1>(
              context, "kyrtos::curvature::residual", size, KOKKOS_LAMBDA(Index i) {
                double const weight = p(i);
                double const r = static_cast<double>(ys(i)) - lambda * weight * xs(i);
                return Tuple<1>{{r * r / weight}};
              })[0];
        });
    linalg::detail::sum_over_ranks(context, x, std::span(&square, 1));
  }
  return {lambda, std::sqrt(square / uu), std::sqrt(uu), std::sqrt(ww / uu)};
}

/// u ← aw + bu: x ← aP⁻¹y + bx, row by row. Asynchronous.
template <class Scalar, class Space>
void combine_rows(Context<Space> const& context,
                  AdamPreconditioner<Scalar, Space> const& preconditioner, double a,
                  MatrixView<Scalar const, Space> y, double b, MatrixView<Scalar, Space> x) {
  auto const to_image = static_cast<Scalar>(a), to_vector = static_cast<Scalar>(b);
  for (Index j = 0; j < static_cast<Index>(x.extent(0)); ++j)
    preconditioner.for_each_range(
        [&](Index offset, Index size, PreconditionerElement<Scalar, Space> const& p) {
          auto const xs = slice(row(x, j), offset, size);
          auto const ys = slice(row(y, j), offset, size);
          linalg::detail::for_each(
              context, "kyrtos::curvature::combine", size,
              KOKKOS_LAMBDA(Index i) { xs(i) = to_image * ys(i) / p(i) + to_vector * xs(i); });
        });
}

enum class Root { direct, inverse };

/// Between x and u = P^(1/2) x, row by row, in place. Asynchronous.
template <class Scalar, class Space>
void scale_rows(Context<Space> const& context,
                AdamPreconditioner<Scalar, Space> const& preconditioner, Root root,
                MatrixView<Scalar, Space> x) {
  bool const is_inverse = root == Root::inverse;
  for (Index j = 0; j < static_cast<Index>(x.extent(0)); ++j)
    preconditioner.for_each_range(
        [&](Index offset, Index size, PreconditionerElement<Scalar, Space> const& p) {
          auto const xs = slice(row(x, j), offset, size);
          linalg::detail::for_each(
              context, "kyrtos::curvature::scale", size, KOKKOS_LAMBDA(Index i) {
                Scalar const factor = math::sqrt(p(i));
                xs(i) = is_inverse ? xs(i) / factor : xs(i) * factor;
              });
        });
}

}  // namespace kyrtos::curvature::detail
