// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/preconditioned_operator.hpp>

#include "operators.hpp"

namespace kyrtos::testing::preconditioned_operator {

using Preconditioned = curvature::PreconditionedOperator<Scalar, Space>;

/// The matrix of an operator, column after column.
inline Numbers matrix_of_operator(Context<Space> const& context,
                                  curvature::LinearOperator<Scalar, Space>& op) {
  auto const n = static_cast<std::size_t>(op.size());
  Numbers matrix;
  View const y = allocate<Scalar>(context, "y", op.size());
  for (std::size_t j = 0; j < n; ++j) {
    Numbers unit(n, 0.0);
    unit[j] = 1;
    op.apply(context, to_device(context, unit), y);
    Numbers const column = to_host(context, y);
    matrix.insert(matrix.end(), column.begin(), column.end());
  }
  return matrix;
}

inline double largest_gap(Numbers const& a, Numbers const& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::fabs(a[i] - b[i]));
  return largest;
}

TEST_CASE("a preconditioned operator is D A D, with the diagonal of the moment",
          "[preconditioned_operator]") {
  Context<Space> const context(MPI_COMM_WORLD);
  Numbers const a = matrix_of({3, -2, 1, 0.5, 0.1, -0.3});
  std::size_t const n = 6;
  DenseOperator inner(context, a);
  View const diagonal = allocate<Scalar>(context, "diagonal", inner.size());
  Preconditioned op(context, inner, diagonal);
  CHECK(op.size() == inner.size());
  for (Numbers const& d : {Numbers(n, 1.0), Numbers{0.5, 2, -1, 0, 3, 0.1}}) {
    Kokkos::deep_copy(context.space(), diagonal, to_device(context, d));
    Numbers wanted(n * n);
    for (std::size_t j = 0; j < n; ++j)
      for (std::size_t i = 0; i < n; ++i) wanted[j * n + i] = d[i] * a[j * n + i] * d[j];
    inner.products = 0;
    CHECK(largest_gap(matrix_of_operator(context, op), wanted) < 50 * epsilon);
    CHECK(inner.products == static_cast<Index>(n));
  }
}

TEST_CASE("P^(-1/2) A P^(-1/2) has the eigenvalues of the pencil (A, P)",
          "[preconditioned_operator]") {
  Context<Space> const context(MPI_COMM_WORLD);
  Numbers a = matrix_of(network_spectrum(20, {5, 3, -2})), p(20 * 20, 0.0), root;
  for (std::size_t i = 0; i < 20; ++i) {
    p[i * 20 + i] = 0.2 + Philox{9, 1}.uniform(i);
    root.push_back(1 / std::sqrt(p[i * 20 + i]));
  }
  DenseOperator inner(context, a);
  View const diagonal = to_device(context, root);
  Preconditioned op(context, inner, diagonal);
  Numbers const found = lapack_eigenvalues(matrix_of_operator(context, op));
  Numbers pencil(20);
  REQUIRE(LAPACKE_dsygv(LAPACK_COL_MAJOR, 1, 'N', 'U', 20, a.data(), 20, p.data(), 20,
                        pencil.data()) == 0);
  CHECK(largest_gap(found, pencil) < 100 * epsilon);
}

TEST_CASE("a preconditioned operator refuses what does not fit", "[preconditioned_operator]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DiagonalOperator inner(context, {1, 2, 3});
  View const four = to_device(context, {1, 2, 3, 4}), three = to_device(context, {1, 2, 3});
  CHECK_THROWS_AS(Preconditioned(context, inner, four), ShapeError);
  Preconditioned op(context, inner, three);
  CHECK_THROWS_AS(op.apply(context, four, four), ShapeError);
}

}  // namespace kyrtos::testing::preconditioned_operator
