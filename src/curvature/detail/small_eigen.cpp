// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/detail/small_eigen.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace kyrtos::curvature::detail {

namespace {

void require_finite(std::vector<double> const& values, char const* what) {
  bool const finite =
      std::all_of(values.begin(), values.end(), [](double x) { return std::isfinite(x); });
  require<NumericalError>(finite, what);
}

std::vector<double> identity(int n) {
  std::vector<double> m(static_cast<std::size_t>(n) * n, 0.0);
  for (int i = 0; i < n; ++i) m[static_cast<std::size_t>(i) * n + i] = 1;
  return m;
}

SmallEigen sorted(std::vector<double> const& values, std::vector<double> const& vectors, int rows) {
  int const n = static_cast<int>(values.size());
  std::vector<int> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int a, int b) { return values[a] < values[b]; });
  SmallEigen result{std::vector<double>(values.size()), std::vector<double>(vectors.size()), rows};
  for (int j = 0; j < n; ++j) {
    result.values[j] = values[order[j]];
    for (int i = 0; i < rows; ++i) result.vectors[i * n + j] = vectors[i * n + order[j]];
  }
  return result;
}

/// Two columns of a row-major matrix of n columns ← their rotation by (c, s).
void rotate_columns(std::vector<double>& m, int rows, int n, int p, int q, double c, double s) {
  for (int i = 0; i < rows; ++i) {
    double const x = m[i * n + p], y = m[i * n + q];
    m[i * n + p] = c * x - s * y;
    m[i * n + q] = s * x + c * y;
  }
}

/// A ← JᵀAJ with the rotation J of the (p, q) plane that makes A's (p, q) entry zero.
void jacobi_rotation(std::vector<double>& a, std::vector<double>& v, int n, int p, int q) {
  double const off = a[p * n + q];
  if (off == 0) return;
  double const theta = (a[q * n + q] - a[p * n + p]) / (2 * off);
  double const t = std::copysign(1 / (std::fabs(theta) + std::hypot(theta, 1.0)), theta);
  double const c = 1 / std::hypot(t, 1.0), s = t * c;
  rotate_columns(a, n, n, p, q, c, s);
  for (int j = 0; j < n; ++j) {
    double const x = a[p * n + j], y = a[q * n + j];
    a[p * n + j] = c * x - s * y;
    a[q * n + j] = s * x + c * y;
  }
  a[p * n + q] = a[q * n + p] = 0;
  rotate_columns(v, n, n, p, q, c, s);
}

/// Eigenvalue of [[d0, e], [e, d1]] nearer to d0.
double wilkinson_shift(double d0, double d1, double e) {
  double const half = (d1 - d0) / 2;
  double const root = std::hypot(half, e);
  double const denominator = half + std::copysign(root, half);
  return denominator == 0 ? d0 - e : d0 - e * (e / denominator);
}

/// One QL step on the unreduced block [first, last]: chases the bulge from its lower end upwards.
void ql_step(std::vector<double>& d, std::vector<double>& e, std::vector<double>& v, int rows,
             int first, int last) {
  int const n = static_cast<int>(d.size());
  double g = d[last] - wilkinson_shift(d[first], d[first + 1], e[first]);
  double s = 1, c = 1, p = 0;
  for (int i = last - 1; i >= first; --i) {
    double const f = s * e[i], b = c * e[i];
    double const r = std::hypot(f, g);
    if (i + 1 < last) e[i + 1] = r;
    if (r == 0) {  // The block splits here: leave it to the next call.
      d[i + 1] -= p;
      return;
    }
    s = f / r;
    c = g / r;
    double const h = d[i + 1] - p;
    double const w = (d[i] - h) * s + 2 * c * b;
    p = s * w;
    d[i + 1] = h + p;
    g = c * w - b;
    rotate_columns(v, rows, n, i, i + 1, c, s);
  }
  d[first] -= p;
  e[first] = g;
}

}  // namespace

SmallEigen symmetric_eigen(std::vector<double> a, int n) {
  require(a.size() == static_cast<std::size_t>(n) * n, "symmetric_eigen: the matrix is not n by n");
  require_finite(a, "symmetric_eigen: an entry of the matrix is not finite");
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < i; ++j) a[i * n + j] = a[j * n + i];
  auto v = identity(n);
  constexpr int most_sweeps = 50;
  for (int sweep = 0; sweep < most_sweeps; ++sweep) {
    double off = 0, diagonal = 0;
    for (int i = 0; i < n; ++i) {
      diagonal += a[i * n + i] * a[i * n + i];
      for (int j = i + 1; j < n; ++j) off += a[i * n + j] * a[i * n + j];
    }
    constexpr double epsilon = std::numeric_limits<double>::epsilon();
    if (off <= epsilon * epsilon * diagonal) break;
    for (int p = 0; p < n; ++p)
      for (int q = p + 1; q < n; ++q) jacobi_rotation(a, v, n, p, q);
  }
  std::vector<double> values(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) values[i] = a[i * n + i];
  return sorted(values, v, n);
}

SmallEigen tridiagonal_eigen(std::vector<double> d, std::vector<double> e, EigenvectorRows rows) {
  int const m = static_cast<int>(d.size());
  require(m > 0 && e.size() + 1 == d.size(),
          "tridiagonal_eigen: the off-diagonal must have one entry less than the diagonal");
  require_finite(d, "tridiagonal_eigen: a diagonal entry is not finite");
  require_finite(e, "tridiagonal_eigen: an off-diagonal entry is not finite");
  int const row_count = rows == EigenvectorRows::all ? m : 1;
  auto v = identity(m);
  v.resize(static_cast<std::size_t>(row_count) * m);
  constexpr int most_steps = 60;  // an eigenvalue; two or three are the rule
  for (int first = 0; first < m; ++first) {
    for (int step = 0;; ++step) {
      int last = first;  // The block [first, last] has no negligible off-diagonal entry.
      while (last + 1 < m && std::fabs(e[last]) > std::numeric_limits<double>::epsilon() *
                                                      (std::fabs(d[last]) + std::fabs(d[last + 1])))
        ++last;
      if (last == first) break;
      require<NumericalError>(step < most_steps,
                              "tridiagonal_eigen: the QL method did not converge");
      ql_step(d, e, v, row_count, first, last);
    }
  }
  return sorted(d, v, row_count);
}

}  // namespace kyrtos::curvature::detail
