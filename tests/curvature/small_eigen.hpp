// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/curvature/detail/small_eigen.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <lapacke.h>
#include <limits>
#include <vector>

namespace kyrtos::testing {

using curvature::detail::EigenvectorRows;
using curvature::detail::SmallEigen;
using Numbers = std::vector<double>;

inline Numbers dense(Numbers const& diagonal, Numbers const& off) {
  std::size_t const m = diagonal.size();
  Numbers a(m * m, 0.0);
  for (std::size_t i = 0; i < m; ++i) {
    a[i * m + i] = diagonal[i];
    if (i + 1 < m) a[i * m + i + 1] = a[(i + 1) * m + i] = off[i];
  }
  return a;
}

/// Eigenvalues are LAPACK's, A v = λ v, and vᵀv = 1; all to a few units of rounding of ‖A‖.
inline void check_eigen(SmallEigen const& eigen, Numbers const& a) {
  int const m = eigen.size();
  Numbers copy = a, values(static_cast<std::size_t>(m));
  REQUIRE(LAPACKE_dsyev(LAPACK_ROW_MAJOR, 'N', 'U', m, copy.data(), m, values.data()) == 0);
  double const scale = std::max({std::fabs(values.front()), std::fabs(values.back()), 1e-300});
  for (int j = 0; j < m; ++j) {
    CHECK(std::fabs(eigen.values[j] - values[j]) <= 5e-15 * m * scale);
    double length = 0, worst = 0;
    for (int i = 0; i < m; ++i) {
      double residual = -eigen.values[j] * eigen.vector(i, j);
      for (int k = 0; k < m; ++k) residual += a[i * m + k] * eigen.vector(k, j);
      worst = std::max(worst, std::fabs(residual));
      length += eigen.vector(i, j) * eigen.vector(i, j);
    }
    CHECK(worst <= 5e-15 * m * scale);
    CHECK(std::fabs(length - 1) <= 5e-15 * m);
  }
}

inline void check_tridiagonal(Numbers const& diagonal, Numbers const& off) {
  auto const all = curvature::detail::tridiagonal_eigen(diagonal, off);
  check_eigen(all, dense(diagonal, off));
  auto const first = curvature::detail::tridiagonal_eigen(diagonal, off, EigenvectorRows::first);
  CHECK(first.values == all.values);
  for (int j = 0; j < all.size(); ++j) CHECK(first.vector(0, j) == all.vector(0, j));
}

TEST_CASE("tridiagonal matrices against LAPACK", "[small_eigen]") {
  SECTION("random, some couplings zero or tiny") {
    for (std::uint64_t seed = 0; seed < 30; ++seed) {
      Philox const random{seed, 1};
      std::size_t const m = 1 + random.bits(9999) % 40;
      Numbers d(m), e(m - 1);
      for (std::size_t i = 0; i < m; ++i) d[i] = random.normal(i);
      for (std::size_t i = 0; i + 1 < m; ++i)
        e[i] = random.uniform(500 + i) < 0.2
                   ? 0
                   : random.normal(100 + i) * std::pow(10.0, -12 * random.uniform(300 + i));
      check_tridiagonal(d, e);
    }
  }
  SECTION("equal eigenvalues, ± pairs, zero, graded, one by one") {
    check_tridiagonal({2, 2, 2, 2}, {0, 0, 0});
    check_tridiagonal({0, 0, 0, 0, 0}, {1, 2, 3, 4});
    check_tridiagonal({0, 0, 0}, {0, 0});
    check_tridiagonal({1e12, 1e6, 1, 1e-6}, {1e8, 1e2, 1e-4});
    check_tridiagonal({3}, {});
    check_tridiagonal(Numbers(21, -2.0), Numbers(20, 1.0));
  }
}

TEST_CASE("small symmetric matrices against LAPACK", "[small_eigen]") {
  for (std::uint64_t seed = 0; seed < 20; ++seed)
    for (int n : {1, 2, 3, 4, 8}) {
      Philox const random{seed, 2};
      Numbers a(static_cast<std::size_t>(n * n));
      for (int i = 0; i < n; ++i)
        for (int j = 0; j <= i; ++j)
          a[i * n + j] = a[j * n + i] =
              std::round(3 * random.normal(i * n + j)) / (seed % 2 == 0 ? 1 : 2);
      check_eigen(curvature::detail::symmetric_eigen(a, n), a);
    }
}

TEST_CASE("small matrices with NaN are refused", "[small_eigen]") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(curvature::detail::symmetric_eigen({1, nan, nan, 2}, 2), NumericalError);
  CHECK_THROWS_AS(curvature::detail::tridiagonal_eigen({1, 2}, {nan}), NumericalError);
  CHECK_THROWS_AS(curvature::detail::tridiagonal_eigen({1, 2}, {1, 1}), ShapeError);
}

}  // namespace kyrtos::testing
