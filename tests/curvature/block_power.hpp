// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/block_power.hpp>

#include "operators.hpp"

namespace kyrtos::testing {

using curvature::BlockPower;
using curvature::Spectrum;

TEST_CASE("block power finds several, equal and ± eigenvalues", "[block_power]") {
  Context<Space> const context(MPI_COMM_WORLD);
  struct Case {
    Numbers outliers;
    Spectrum target;
    Numbers expected;
  };
  auto const c = GENERATE(Case{{4, 3, 2.5, 1}, Spectrum::largest_algebraic, {4, 3}},
                          Case{{4, 4, 2, 1}, Spectrum::largest_algebraic, {4, 4}},
                          Case{{4, 3, 2, -4}, Spectrum::largest_algebraic, {4, 3, 2}},
                          Case{{4, -4, 2, 1}, Spectrum::largest_magnitude, {4, -4}},
                          Case{{3, -4, -2, 1}, Spectrum::largest_magnitude, {-4, 3, -2}},
                          Case{{4, 3, -2, -1}, Spectrum::smallest_algebraic, {-2, -1}},
                          Case{{5, 4, 3, 2}, Spectrum::largest_algebraic, {5, 4, 3, 2}});
  auto const matrix = matrix_of(network_spectrum(60, c.outliers));
  auto const exact = lapack_eigenvalues(matrix);
  DenseOperator op(context, matrix);
  int const k = static_cast<int>(c.expected.size());
  BlockPower<Scalar, Space> solver(context, op.size(), k);
  double const tolerance = std::max(1e-5, 8 * epsilon);
  auto const result =
      solver.solve(op, {.target = c.target, .tolerance = tolerance, .max_hvps = 900});
  CHECK(result.converged);
  CHECK(result.hvps == op.products);
  REQUIRE(result.pairs.size() == c.expected.size());
  for (int j = 0; j < k; ++j) {
    auto const [value, residual] = result.pairs[static_cast<std::size_t>(j)];
    double const expected = c.expected[static_cast<std::size_t>(j)];
    CHECK(std::fabs(value - expected) < std::max(1e-8, 30 * epsilon) * 5);
    CHECK(residual <= tolerance);
    CHECK(distance(value, exact) <= residual * std::fabs(value) + 50 * epsilon);
  }
  for (int i = 0; i < k; ++i)  // orthonormal, to rounding
    for (int j = 0; j <= i; ++j) {
      auto const u = rows_of(solver.eigenvectors(), i, 1), v = rows_of(solver.eigenvectors(), j, 1);
      CHECK(std::fabs(linalg::dot(context, flat(u), flat(v)) - (i == j)) < 50 * epsilon);
    }
}

TEST_CASE("block power keeps to its budget and repeats bit by bit", "[block_power]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(40, {2, 1.99, 1.98})));
  BlockPower<Scalar, Space> solver(context, 40, 2);
  curvature::BlockPowerOptions const options{.tolerance = 1e-7, .max_hvps = 11};
  auto const first = solver.solve(op, options);
  CHECK(first.hvps == 10);
  CHECK_FALSE(first.converged);
  Numbers const vectors = to_host(context, solver.eigenvectors());
  auto const again = solver.solve(op, options);
  CHECK(first.pairs[0].value == again.pairs[0].value);
  CHECK(first.pairs[1].residual == again.pairs[1].residual);
  CHECK(vectors == to_host(context, solver.eigenvectors()));
}

TEST_CASE("block power survives a dependent start and refuses NaN", "[block_power]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of({3, 2, 1, 0.5, 0.1}));
  BlockPower<Scalar, Space> solver(context, 5, 2);
  View const twice = to_device(context, {1, 2, 3, 4, 5, 2, 4, 6, 8, 10});
  auto const result =
      solver.solve(op, {.tolerance = 1e-3, .max_hvps = 100}, as_matrix(twice, 0, 2, 5));
  CHECK(result.converged);
  BrokenOperator broken(5);
  CHECK_THROWS_AS(solver.solve(broken, {}), NumericalError);
  CHECK_THROWS_AS((BlockPower<Scalar, Space>(context, 5, 9)), ConfigError);
}

}  // namespace kyrtos::testing
