// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/curvature/linear_operator.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <lapacke.h>
#include <limits>
#include <vector>

/// \file
/// \brief Symmetric operators whose spectrum is known, and LAPACK to know it.

namespace kyrtos::testing {

using Space = Kokkos::DefaultExecutionSpace;
using Scalar = KYRTOS_TEST_SCALAR;
using View = Vector<Scalar, Space>;
using Numbers = std::vector<double>;

inline constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();

inline View to_device(Context<Space> const& context, Numbers const& values) {
  auto const v = allocate<Scalar>(context, "test", static_cast<Index>(values.size()));
  auto const host = Kokkos::create_mirror_view(v);
  for (std::size_t i = 0; i < values.size(); ++i) host(i) = static_cast<Scalar>(values[i]);
  Kokkos::deep_copy(context.space(), v, host);
  context.fence("test");
  return v;
}

template <class AnyView>
Numbers to_host(Context<Space> const& context, AnyView const& v) {
  auto const host = Kokkos::create_mirror_view(v);
  Kokkos::deep_copy(context.space(), host, v);
  context.fence("test");
  return Numbers(host.data(), host.data() + host.size());
}

/// y = M x for a dense symmetric matrix; counts its products. The matrix may change between two.
class DenseOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  DenseOperator(Context<Space> const& context, Numbers const& matrix)
      : size_(std::lround(std::sqrt(static_cast<double>(matrix.size())))),
        matrix_(to_device(context, matrix)) {}

  Index size() const override { return size_; }
  void set(Context<Space> const& context, Numbers const& matrix) {
    matrix_ = to_device(context, matrix);
  }

  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    ++products;
    Index const n = size_;
    auto const m = matrix_;
    linalg::detail::for_each(
        context, "kyrtos::testing::dense_operator", n, KOKKOS_LAMBDA(Index i) {
          double sum = 0;
          for (Index j = 0; j < n; ++j)
            sum += static_cast<double>(m(i * n + j)) * static_cast<double>(x(j));
          y(i) = static_cast<Scalar>(sum);
        });
  }

  Index products = 0;

 private:
  Index size_;
  View matrix_;
};

/// y = d ∘ x: the spectrum is d.
class DiagonalOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  DiagonalOperator(Context<Space> const& context, Numbers const& diagonal)
      : diagonal_(to_device(context, diagonal)) {}

  Index size() const override { return static_cast<Index>(diagonal_.size()); }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    ++products;
    linalg::multiply(context, diagonal_, x, y);
  }

  Index products = 0;

 private:
  View diagonal_;
};

/// A + cI: every eigenvalue moved by c.
class ShiftedOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  ShiftedOperator(curvature::LinearOperator<Scalar, Space>& inner, double shift)
      : inner_(&inner), shift_(shift) {}

  Index size() const override { return inner_->size(); }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    inner_->apply(context, x, y);
    linalg::axpy(context, shift_, x, y);
  }

 private:
  curvature::LinearOperator<Scalar, Space>* inner_;
  double shift_;
};

/// y = NaN.
class BrokenOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  explicit BrokenOperator(Index size) : size_(size) {}
  Index size() const override { return size_; }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space>,
             VectorView<Scalar, Space> y) override {
    linalg::fill(context, y, std::numeric_limits<double>::quiet_NaN());
  }

 private:
  Index size_;
};

/// Eigenvalues in ascending order; `matrix` becomes the eigenvectors, one a row.
inline Numbers lapack_eigen(Numbers& matrix) {
  auto const n = static_cast<int>(std::lround(std::sqrt(static_cast<double>(matrix.size()))));
  Numbers values(static_cast<std::size_t>(n));
  REQUIRE(LAPACKE_dsyev(LAPACK_COL_MAJOR, 'V', 'U', n, matrix.data(), n, values.data()) == 0);
  return values;
}

inline Numbers lapack_eigenvalues(Numbers matrix) {
  return lapack_eigen(matrix);
}

/// Q diag(spectrum) Qᵀ for a random orthogonal Q, the eigenvectors of a random symmetric matrix.
inline Numbers matrix_of(Numbers const& spectrum, std::uint64_t seed = 1) {
  std::size_t const n = spectrum.size();
  Philox const random{seed, 77};
  Numbers q(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j <= i; ++j) q[i * n + j] = q[j * n + i] = random.normal(i * n + j);
  lapack_eigen(q);
  Numbers a(n * n, 0.0);
  for (std::size_t k = 0; k < n; ++k)
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < n; ++j) a[i * n + j] += spectrum[k] * q[k * n + i] * q[k * n + j];
  return a;
}

/// What Hessians of networks look like: a few outliers over a bulk of both signs around zero.
inline Numbers network_spectrum(std::size_t n, Numbers outliers) {
  Philox const random{5, 78};
  for (std::size_t i = outliers.size(); i < n; ++i) {
    double const z = random.normal(i);
    outliers.push_back(0.02 * z + (z > 0 ? 0.06 * z * z : 0));
  }
  return outliers;
}

/// Distance from x to the nearest of the values.
inline double distance(double x, Numbers const& values) {
  double nearest = std::numeric_limits<double>::infinity();
  for (double v : values) nearest = std::min(nearest, std::fabs(v - x));
  return nearest;
}

}  // namespace kyrtos::testing
