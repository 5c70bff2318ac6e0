// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/lanczos.hpp>

#include "operators.hpp"

namespace kyrtos::testing {

using curvature::Lanczos;
using curvature::LanczosOptions;
using curvature::Spectrum;

TEST_CASE("lanczos agrees with LAPACK at both ends", "[lanczos]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const outliers =
      GENERATE(Numbers{5, 4, 3.9, -2, -1}, Numbers{2, 1, -2, -1, 0.5}, Numbers{-1, -2, -3});
  auto const matrix = matrix_of(network_spectrum(120, outliers));
  auto const exact = lapack_eigenvalues(matrix);
  DenseOperator op(context, matrix);
  Lanczos<Scalar, Space> solver(context, op.size(), 80);
  double const tolerance = std::max(1e-6, 10 * epsilon);
  auto const result = solver.solve(op, {.largest = 3,
                                        .smallest = 2,
                                        .tolerance = tolerance,
                                        .max_hvps = 80,
                                        .true_residuals = true});
  CHECK(result.converged);
  CHECK(result.hvps == op.products);
  double const scale = std::max(std::fabs(exact.front()), std::fabs(exact.back()));
  auto const check = [&](auto const& pairs, auto const& expected) {
    for (std::size_t j = 0; j < pairs.size(); ++j) {
      CHECK(std::fabs(pairs[j].value - expected(j)) < std::max(1e-8, 20 * epsilon) * scale);
      CHECK(distance(pairs[j].value, exact) <=
            pairs[j].residual * std::fabs(pairs[j].value) + 10 * epsilon * scale);
    }
  };
  check(result.largest, [&](std::size_t j) { return exact[exact.size() - 1 - j]; });
  check(result.smallest, [&](std::size_t j) { return exact[j]; });
}

TEST_CASE("lanczos' residual estimates are the residuals", "[lanczos]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(100, {3, 2.9, 2, -1})));
  Lanczos<Scalar, Space> solver(context, op.size(), 12);
  LanczosOptions options{.largest = 2, .smallest = 1, .tolerance = 1e-14, .max_hvps = 12};
  auto const estimated = solver.solve(op, options);
  CHECK(estimated.hvps == 12);
  CHECK_FALSE(estimated.converged);
  options.true_residuals = true;
  auto const measured = solver.solve(op, options);
  CHECK(measured.hvps == 15);
  auto const agree = [](curvature::Eigenvalue const& a, curvature::Eigenvalue const& b) {
    CHECK(std::fabs(a.value - b.value) < 50 * epsilon * 3);
    CHECK(std::fabs(a.residual - b.residual) < 1e-6 * a.residual + 50 * epsilon);
  };
  agree(estimated.largest[0], measured.largest[0]);
  agree(estimated.largest[1], measured.largest[1]);
  agree(estimated.smallest[0], measured.smallest[0]);
}

TEST_CASE("lanczos stops where the Krylov space ends", "[lanczos]") {
  Context<Space> const context(MPI_COMM_WORLD);
  SECTION("three distinct eigenvalues: three steps") {
    Numbers spectrum(50, 1.0);
    spectrum[0] = 7;
    spectrum[1] = spectrum[2] = -3;
    DenseOperator op(context, matrix_of(spectrum));
    Lanczos<Scalar, Space> solver(context, op.size(), 40);
    auto const result = solver.solve(op, {.largest = 2, .smallest = 1, .tolerance = 1e3 * epsilon});
    CHECK(result.hvps == 3);
    CHECK(result.invariant_space);
    CHECK(result.converged);
    CHECK(std::fabs(result.largest[0].value - 7) < 100 * epsilon);
    CHECK(std::fabs(result.largest[1].value - 1) < 100 * epsilon);
    CHECK(std::fabs(result.smallest[0].value + 3) < 100 * epsilon);
  }
  SECTION("an eigenvector as start: one step, and fewer pairs than asked for") {
    DiagonalOperator op(context, {1, 2, 3, 4});
    Lanczos<Scalar, Space> solver(context, 4, 10);
    auto const result = solver.solve(op, {.largest = 3}, to_device(context, {0, 5, 0, 0}));
    CHECK(result.hvps == 1);
    REQUIRE(result.largest.size() == 1);
    CHECK(result.largest[0].value == 2);
    CHECK(result.invariant_space);
    CHECK_FALSE(result.converged);
    auto const measured =
        solver.solve(op, {.largest = 3, .true_residuals = true}, to_device(context, {0, 5, 0, 0}));
    CHECK_FALSE(measured.converged);
  }
  SECTION("the whole space") {
    Numbers const spectrum{5, 4, 3, 2, 1, 0};
    DenseOperator op(context, matrix_of(spectrum));
    Lanczos<Scalar, Space> solver(context, 6, 60);
    auto const result = solver.solve(op, {.largest = 6, .smallest = 6, .tolerance = 1e-9});
    CHECK(result.hvps <= 6);
    CHECK(result.invariant_space);
    REQUIRE(result.largest.size() == 6);
    for (std::size_t j = 0; j < 6; ++j)
      CHECK(std::fabs(result.largest[j].value - spectrum[j]) < 100 * epsilon);
  }
}

TEST_CASE("lanczos' eigenvectors are eigenvectors", "[lanczos]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(80, {3, 2, -1.5})));
  Lanczos<Scalar, Space> solver(context, op.size(), 60);
  double const tolerance = std::max(1e-9, 20 * epsilon);
  auto const result =
      solver.solve(op, {.largest = 2, .smallest = 1, .tolerance = tolerance, .max_hvps = 60});
  REQUIRE(result.converged);
  View const u = allocate<Scalar>(context, "u", op.size()), w = allocate<Scalar>(context, "w", 80);
  auto const check = [&](Spectrum end, Index j, double value) {
    solver.eigenvector(end, j, u);
    op.apply(context, u, w);
    linalg::axpy(context, -value, u, w);
    CHECK(linalg::norm(context, w) < 3 * tolerance * std::fabs(value) + 20 * epsilon);
    CHECK(std::fabs(linalg::norm(context, u) - 1) < 10 * epsilon);
  };
  check(Spectrum::largest_algebraic, 0, result.largest[0].value);
  check(Spectrum::largest_algebraic, 1, result.largest[1].value);
  check(Spectrum::smallest_algebraic, 0, result.smallest[0].value);
}

TEST_CASE("lanczos repeats bit by bit and refuses NaN", "[lanczos]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(70, {3, 2, -1.5})));
  Lanczos<Scalar, Space> solver(context, op.size(), 30);
  auto const a = solver.solve(op, {.max_hvps = 20}), b = solver.solve(op, {.max_hvps = 20});
  CHECK(a.largest[0].value == b.largest[0].value);
  CHECK(a.largest[0].residual == b.largest[0].residual);
  BrokenOperator broken(70);
  CHECK_THROWS_AS(solver.solve(broken, {}), NumericalError);
}

}  // namespace kyrtos::testing
