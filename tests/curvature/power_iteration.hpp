// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/power_iteration.hpp>
#include <kyrtos/curvature/preconditioned_operator.hpp>

#include "operators.hpp"

namespace kyrtos::testing {

using curvature::PowerIteration;
using curvature::PowerIterationOptions;
using curvature::Spectrum;

/// Residual at which the Rayleigh quotient, whose error is at most residual²/gap, is exact to
/// 1e-8 (or float's rounding).
inline double const power_tolerance = std::max(1e-5, 4 * epsilon);
inline double const value_tolerance = std::max(1e-8, 20 * epsilon);

TEST_CASE("power iteration finds each end of a dense spectrum", "[power_iteration]") {
  Context<Space> const context(MPI_COMM_WORLD);
  struct Case {
    Numbers outliers;
    Spectrum target;
    double expected;
  };
  auto const c =
      GENERATE(Case{{3, 2, -1}, Spectrum::largest_magnitude, 3},
               Case{{-3, 2, -1}, Spectrum::largest_magnitude, -3},
               Case{{2, 1, -3}, Spectrum::largest_algebraic, 2},  // a greater negative one
               Case{{2, 1, -2}, Spectrum::largest_algebraic, 2},  // a ± pair
               Case{{2, 2, -2}, Spectrum::largest_algebraic, 2},  // a double eigenvalue
               Case{{2, 1, -2}, Spectrum::smallest_algebraic, -2},
               Case{{5, 1, -2}, Spectrum::smallest_algebraic, -2});
  auto const matrix = matrix_of(network_spectrum(60, c.outliers));
  auto const exact = lapack_eigenvalues(matrix);
  DenseOperator op(context, matrix);
  PowerIteration<Scalar, Space> solver(context, op.size());
  auto const result =
      solver.solve(op, {.target = c.target, .tolerance = power_tolerance, .max_hvps = 400});
  CHECK(result.converged);
  CHECK(result.hvps == op.products);
  CHECK(std::fabs(result.value - c.expected) < value_tolerance * std::fabs(c.expected));
  CHECK(distance(result.value, exact) <=
        result.residual * std::fabs(result.value) + 10 * epsilon * 5);
  // The vector returned is the one that was measured.
  View const w = allocate<Scalar>(context, "w", op.size());
  op.apply(context, solver.eigenvector(), w);
  CHECK(std::fabs(linalg::dot(context, solver.eigenvector(), w) - result.value) <
        20 * epsilon * std::fabs(result.value));
}

TEST_CASE("power iteration needs the products that its convergence rate says",
          "[power_iteration]") {
  // From equal components of 1 and ρ, residual ~ (1 − ρ)ρᵏ: k = log(tol/(1 − ρ))/log ρ.
  Context<Space> const context(MPI_COMM_WORLD);
  DiagonalOperator op(context, {1, 0.5});
  PowerIteration<Scalar, Space> solver(context, 2);
  auto const result =
      solver.solve(op, {.tolerance = 1e-4, .max_hvps = 100}, to_device(context, {1, 1}));
  CHECK(result.hvps == 1 + static_cast<Index>(std::ceil(std::log(1e-4 / 0.5) / std::log(0.5))));
}

TEST_CASE("power iteration is honest when it does not converge", "[power_iteration]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const matrix = matrix_of({2, -2, 0.5, 0.1});
  DenseOperator op(context, matrix);
  PowerIteration<Scalar, Space> solver(context, 4);
  auto const result = solver.solve(op, {.tolerance = 1e-3, .max_hvps = 50});  // ±2 by magnitude
  CHECK_FALSE(result.converged);
  CHECK(result.hvps == 50);
  CHECK(op.products == 50);
  CHECK(distance(result.value, {2, -2, 0.5, 0.1}) <= result.residual * std::fabs(result.value));
}

TEST_CASE("a given start, a given shift, equal bits", "[power_iteration]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const matrix = matrix_of(network_spectrum(50, {2, 1, -1.5}));
  DenseOperator op(context, matrix);
  PowerIteration<Scalar, Space> solver(context, 50);
  PowerIterationOptions const options{
      .target = Spectrum::largest_algebraic, .tolerance = 1e-3, .max_hvps = 60, .seed = 4};
  auto const first = solver.solve(op, options);
  Numbers const vector = to_host(context, solver.eigenvector());
  auto const again = solver.solve(op, options);
  CHECK(first.value == again.value);
  CHECK(first.residual == again.residual);
  CHECK(vector == to_host(context, solver.eigenvector()));
  // Started from its own result it is done at once.
  auto const warm = solver.solve(op, options, to_device(context, vector));
  CHECK(warm.hvps == 1);
  // With the shift in the operator the vector is the same and the value is moved.
  ShiftedOperator shifted(op, 3.0);
  auto const moved = solver.solve(shifted, {.tolerance = 1e-4, .max_hvps = 400});
  CHECK(std::fabs(moved.value - 5) < 1e-6);
  auto given = options;
  given.shift = 3;
  CHECK(solver.solve(op, given).converged);
}

TEST_CASE("power iteration refuses what is not a number", "[power_iteration]") {
  Context<Space> const context(MPI_COMM_WORLD);
  BrokenOperator op(10);
  PowerIteration<Scalar, Space> solver(context, 10);
  CHECK_THROWS_AS(solver.solve(op, {}), NumericalError);
  DiagonalOperator fine(context, Numbers(10, 1.0));
  CHECK_THROWS_AS(solver.solve(fine, {}, to_device(context, Numbers(10, 0.0))), NumericalError);
  CHECK(solver.solve(fine, {}).hvps == 1);
  DiagonalOperator zero(context, Numbers(10, 0.0));
  CHECK(solver.solve(zero, {}).converged);
  DiagonalOperator other(context, Numbers(9, 1.0));
  CHECK_THROWS_AS(solver.solve(other, {}), ShapeError);
}

}  // namespace kyrtos::testing
