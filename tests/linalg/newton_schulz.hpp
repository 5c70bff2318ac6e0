// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/newton_schulz.hpp>

#include "../support/orthogonal_factor.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

// Orthogonalisation by products, held to LAPACK's singular values in double.

namespace kyrtos::testing::newton_schulz_test {

using Scalar = KYRTOS_TEST_SCALAR;
inline constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();

struct Shape {
  Index rows, columns, rank;
};

inline Numbers orthogonalized(Numbers const& x, Shape const& shape,
                              std::vector<linalg::OddQuintic> const& steps) {
  Context<Space> const context(MPI_COMM_SELF);
  linalg::NewtonSchulz<Scalar, Space> const solver(context, "test", 40 * 24, 24);
  auto const v = on_device<Scalar>(x);
  solver.apply(context, as_matrix(v, 0, shape.rows, shape.columns), steps);
  context.fence("test");
  return on_host(v);
}

inline double largest(Numbers const& v) {
  double most = 0;
  for (double const value : v) most = std::max(most, std::abs(value));
  return most;
}

TEST_CASE("Muon's steps are their polynomial of the singular values", "[newton_schulz]") {
  auto const shape = GENERATE(Shape{40, 24, 24}, Shape{7, 19, 7}, Shape{12, 12, 12},
                              Shape{15, 10, 4}, Shape{1, 9, 1}, Shape{9, 1, 1});
  auto const x = random_matrix<Scalar>(shape.rows, shape.columns, shape.rank, 11);
  auto const steps = linalg::muon_steps();
  auto const wanted = newton_schulz(x, shape.rows, shape.columns, steps);
  // Five steps multiply rounding errors of small singular values by up to 3.4445⁵ = 485.
  CHECK(largest(plus(orthogonalized(x, shape, steps), -1, wanted)) < 3000 * epsilon);
  // And that is near an orthogonal factor: from 0.02 of the norm on, within 0.68 to 1.21.
  for (double sigma = 0.02; sigma <= 1; sigma += 0.001) {
    double y = sigma;
    for (auto const& p : steps) y *= p.a + y * y * (p.b + p.c * y * y);
    CHECK((y > 0.65 && y < 1.25));
  }
}

TEST_CASE("more steps end at the orthogonal factor", "[newton_schulz]") {
  auto const shape = GENERATE(Shape{40, 24, 24}, Shape{7, 19, 7}, Shape{1, 9, 1});
  auto const x = random_matrix<Scalar>(shape.rows, shape.columns, shape.rank, 5);
  auto const wanted = orthogonal_factor(x, shape.rows, shape.columns);
  auto const found = orthogonalized(x, shape, linalg::polar_steps());
  CHECK(largest(plus(found, -1, wanted)) < 5000 * epsilon);
}

TEST_CASE("zero stays zero, and a larger matrix is refused", "[newton_schulz]") {
  Numbers const zeros(12, 0.0);
  CHECK(largest(orthogonalized(zeros, {3, 4, 3}, linalg::muon_steps())) == 0);
  CHECK_THROWS_AS(orthogonalized(Numbers(25 * 25, 1.0), {25, 25, 25}, linalg::muon_steps()),
                  ShapeError);
}

}  // namespace kyrtos::testing::newton_schulz_test
