// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/detail/small_eigen.hpp>
#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/lanczos.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kyrtos::curvature {

template <class Scalar, class Space>
Lanczos<Scalar, Space>::Lanczos(Context<Space> const& context, Index size, Index dimension)
    : context_(context),
      basis_(allocate_rows<Scalar>(context, "curvature::lanczos::basis", std::min(dimension, size),
                                   size)),
      next_(allocate<Scalar>(context, "curvature::lanczos::next", size)) {
  require<ConfigError>(dimension >= 1, "Lanczos: the dimension must be at least 1");
}

template <class Scalar, class Space>
void Lanczos<Scalar, Space>::begin(LinearOperator<Scalar, Space>& op, Index steps,
                                   VectorView<Scalar const, Space> start, std::uint64_t seed) {
  require(op.size() == static_cast<Index>(next_.size()),
          "Lanczos: the operator has another size than this solver was made for");
  require<ConfigError>(steps >= 1, "Lanczos: at least one step is needed");
  t_ = {};
  partition_ = op.partition();
  detail::start_vector(context_, next(), start, seed);
}

/// Appends next_ to the basis, and makes next_ the direction that A adds to it.
template <class Scalar, class Space>
void Lanczos<Scalar, Space>::step(LinearOperator<Scalar, Space>& op) {
  auto const m = static_cast<Index>(t_.diagonal.size());
  if (m > 0) t_.off_diagonal.push_back(t_.last_beta);
  auto const v = detail::row(basis_, m);
  linalg::copy(context_, next_, v);
  op.apply(context_, v, next_);
  t_.diagonal.push_back(detail::orthogonalize(context_, basis_, m + 1, next()).back());
  t_.last_beta = detail::normalize(context_, next());
  require<NumericalError>(std::isfinite(t_.diagonal.back()) && std::isfinite(t_.last_beta),
                          "Lanczos: the operator yields NaN or an infinity");
  double scale = t_.last_beta;  // of ‖T‖
  for (double alpha : t_.diagonal) scale = std::max(scale, std::fabs(alpha));
  for (double beta : t_.off_diagonal) scale = std::max(scale, beta);
  t_.invariant_space = t_.last_beta <= 100 * std::numeric_limits<Scalar>::epsilon() * scale ||
                       m + 1 == static_cast<Index>(next_.size());
}

template <class Scalar, class Space>
auto Lanczos<Scalar, Space>::tridiagonalize(LinearOperator<Scalar, Space>& op, Index steps,
                                            VectorView<Scalar const, Space> start) -> Tridiagonal {
  begin(op, steps, start, 0);
  steps = std::min(steps, static_cast<Index>(basis_.extent(0)));
  for (Index m = 0; m < steps && !t_.invariant_space; ++m) step(op);
  return t_;
}

namespace {

/// Eigenvalues of T and residuals β_m |s_m|, relative, ascending.
std::vector<Eigenvalue> ritz_pairs(std::vector<double> diagonal, std::vector<double> off_diagonal,
                                   double last_beta) {
  // The last components of T's eigenvectors are the first of those of T read backwards.
  std::reverse(diagonal.begin(), diagonal.end());
  std::reverse(off_diagonal.begin(), off_diagonal.end());
  auto const eigen = detail::tridiagonal_eigen(std::move(diagonal), std::move(off_diagonal),
                                               detail::EigenvectorRows::first);
  std::vector<Eigenvalue> pairs;
  for (int j = 0; j < eigen.size(); ++j)
    pairs.push_back({eigen.values[j],
                     detail::relative(last_beta * std::fabs(eigen.vector(0, j)), eigen.values[j])});
  return pairs;
}

}  // namespace

template <class Scalar, class Space>
auto Lanczos<Scalar, Space>::collect(LanczosOptions const& options) const -> Result {
  auto const pairs = ritz_pairs(t_.diagonal, t_.off_diagonal, t_.last_beta);
  auto const m = static_cast<Index>(pairs.size());
  Result result;
  result.hvps = m;
  result.invariant_space = t_.invariant_space;
  result.largest.assign(pairs.rbegin(), pairs.rbegin() + std::min(options.largest, m));
  result.smallest.assign(pairs.begin(), pairs.begin() + std::min(options.smallest, m));
  auto const within = [&](Eigenvalue const& e) { return e.residual <= options.tolerance; };
  result.converged = m >= std::max(options.largest, options.smallest) &&
                     std::all_of(result.largest.begin(), result.largest.end(), within) &&
                     std::all_of(result.smallest.begin(), result.smallest.end(), within);
  return result;
}

template <class Scalar, class Space>
auto Lanczos<Scalar, Space>::solve(LinearOperator<Scalar, Space>& op, LanczosOptions const& options,
                                   VectorView<Scalar const, Space> start) -> Result {
  Index const steps = std::min(options.max_hvps, static_cast<Index>(basis_.extent(0)));
  begin(op, steps, start, options.seed);
  Result result;
  do {
    step(op);
    result = collect(options);
  } while (!result.converged && !result.invariant_space && result.hvps < steps);
  if (options.true_residuals) measure_residuals(op, options, result);
  return result;
}

template <class Scalar, class Space>
void Lanczos<Scalar, Space>::measure_residuals(LinearOperator<Scalar, Space>& op,
                                               LanczosOptions const& options, Result& result) {
  auto const memory = allocate<Scalar>(context_, "curvature::lanczos::ritz_vector", op.size());
  DistributedView<Scalar, Space> const u(memory, partition_);
  result.converged = static_cast<Index>(result.largest.size()) == options.largest &&
                     static_cast<Index>(result.smallest.size()) == options.smallest;
  auto const measure = [&](Spectrum end, std::vector<Eigenvalue>& pairs) {
    for (std::size_t j = 0; j < pairs.size(); ++j) {
      eigenvector(end, static_cast<Index>(j), u.local());
      op.apply(context_, u.local(), next_);
      ++result.hvps;
      auto const q = detail::rayleigh_quotient(context_, u, next());
      pairs[j] = {q.value, detail::relative(q.residual, q.value)};
      result.converged &= pairs[j].residual <= options.tolerance;
    }
  };
  measure(Spectrum::largest_algebraic, result.largest);
  measure(Spectrum::smallest_algebraic, result.smallest);
}

template <class Scalar, class Space>
void Lanczos<Scalar, Space>::eigenvector(Spectrum end, Index j,
                                         VectorView<Scalar, Space> out) const {
  require<ConfigError>(end != Spectrum::largest_magnitude,
                       "Lanczos::eigenvector: name the end of the spectrum, largest_algebraic or "
                       "smallest_algebraic");
  auto const eigen = detail::tridiagonal_eigen(t_.diagonal, t_.off_diagonal);
  auto const m = static_cast<Index>(eigen.size());
  require(j >= 0 && j < m, "Lanczos::eigenvector: there is no Ritz vector of that number");
  int const column = static_cast<int>(end == Spectrum::smallest_algebraic ? j : m - 1 - j);
  std::vector<double> s;
  for (int i = 0; i < eigen.size(); ++i) s.push_back(eigen.vector(i, column));
  detail::combine(context_, s, basis_, 0.0, out);
  detail::normalize(context_, DistributedView<Scalar, Space>(out, partition_));
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::Lanczos)
