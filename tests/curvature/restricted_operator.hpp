// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/restricted_operator.hpp>

#include "operators.hpp"

namespace kyrtos::testing {

using curvature::Lanczos;
using curvature::RestrictedOperator;
using Ranges = std::vector<ParameterLayout::Range>;

/// The rows and columns of a symmetric matrix that lie in the ranges.
inline Numbers submatrix(Numbers const& matrix, Ranges const& ranges) {
  auto const n =
      static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(matrix.size()))));
  std::vector<std::size_t> kept;
  for (auto const& range : ranges)
    for (Index i = 0; i < range.size; ++i)
      kept.push_back(static_cast<std::size_t>(range.offset + i));
  Numbers part;
  for (std::size_t const i : kept)
    for (std::size_t const j : kept) part.push_back(matrix[i * n + j]);
  return part;
}

TEST_CASE("a restricted operator has the eigenvalues of the principal submatrix", "[restricted]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const matrix = matrix_of(network_spectrum(90, {5, 4, 3, -2, -1}));
  DenseOperator whole(context, matrix);
  auto const ranges = GENERATE(Ranges{{0, 90}}, Ranges{{20, 30}}, Ranges{{0, 7}, {40, 1}, {60, 30}},
                               Ranges{{89, 1}});
  RestrictedOperator<Scalar, Space> part(context, whole, ranges);
  auto const dense = submatrix(matrix, ranges);
  auto const exact = lapack_eigenvalues(dense);
  REQUIRE(part.size() == static_cast<Index>(exact.size()));

  Lanczos<Scalar, Space> lanczos(context, part.size(), part.size());
  auto const result = lanczos.solve(part, {.largest = 1, .smallest = 1, .tolerance = 20 * epsilon});
  CHECK(std::fabs(result.largest.at(0).value - exact.back()) < 200 * epsilon * 5);
  CHECK(std::fabs(result.smallest.at(0).value - exact.front()) < 200 * epsilon * 5);

  // A second product is as good as the first: nothing of it is left in the memory between.
  DenseOperator direct(context, dense);
  View const x = allocate<Scalar>(context, "x", part.size()),
             y = allocate<Scalar>(context, "y", part.size()),
             wanted = allocate<Scalar>(context, "wanted", part.size());
  for (double const scale : {1.0, -3.0}) {
    linalg::fill(context, x, scale);
    part.apply(context, x, y);
    direct.apply(context, x, wanted);
    linalg::axpy(context, -1, wanted, y);
    CHECK(linalg::norm(context, y) <= 50 * epsilon * linalg::norm(context, wanted) + 1e-12);
  }
}

TEST_CASE("ranges are taken as their union", "[restricted]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DiagonalOperator diagonal(context, {1, 2, 3, 4, 5, 6, 7, 8});
  RestrictedOperator<Scalar, Space> part(context, diagonal,
                                         {{6, 1}, {1, 2}, {2, 2}, {4, 0}, {2, 1}, {4, 1}});
  REQUIRE(part.ranges().size() == 2);
  CHECK(part.ranges()[0].offset == 1);
  CHECK(part.ranges()[0].size == 4);
  CHECK(part.ranges()[1].offset == 6);
  REQUIRE(part.size() == 5);
  View const y = allocate<Scalar>(context, "y", 5);
  part.apply(context, to_device(context, {1, 1, 1, 1, 1}), y);
  CHECK(to_host(context, y) == Numbers{2, 3, 4, 5, 7});
}

TEST_CASE("a restriction refuses what it can't do", "[restricted]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DiagonalOperator diagonal(context, {1, 2, 3});
  using Restricted = RestrictedOperator<Scalar, Space>;
  CHECK_THROWS_AS(Restricted(context, diagonal, {}), ConfigError);
  CHECK_THROWS_AS(Restricted(context, diagonal, {{1, 0}}), ConfigError);
  CHECK_THROWS_AS(Restricted(context, diagonal, {{2, 2}}), ShapeError);
  CHECK_THROWS_AS(Restricted(context, diagonal, {{-1, 2}}), ShapeError);
  Restricted part(context, diagonal, {{0, 2}});
  View const x = allocate<Scalar>(context, "x", 3), y = allocate<Scalar>(context, "y", 3);
  CHECK_THROWS_AS(part.apply(context, x, y), ShapeError);
}

}  // namespace kyrtos::testing
