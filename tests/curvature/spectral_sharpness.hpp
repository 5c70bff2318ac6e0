// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/spectral_sharpness.hpp>

#include "../support/spectral_ascent.hpp"
#include "operators.hpp"

// The largest curvature over balls of spectral norms, held to ascents from many starts with a dense
// matrix and LAPACK's singular values.

namespace kyrtos::testing::spectral_sharpness {

using Sharpness = curvature::SpectralSharpness<Scalar, Space>;

/// Three matrices, and eight numbers that are in none.
inline SpectralBall const ball{{{0, 4, 5}, {20, 6, 3}, {42, 3, 3}}, {0.5, 1, 2}};
constexpr std::size_t size = 55;

inline curvature::SpectralOptions to_the_end(std::uint64_t seed) {
  return {.max_hvps = 400, .cold_hvps = 400, .target_residual = 100 * epsilon, .seed = seed};
}

TEST_CASE("the best of some starts is the best of many ascents with the dense matrix",
          "[spectral_sharpness]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const h = matrix_of(network_spectrum(size, {9, 7, 6.5, 5, 3, -0.5}));
  DenseOperator op(context, h);
  double const highest = highest_ascent(h, ball, size, 100);
  double best = 0;
  for (std::uint64_t seed = 0; seed < 12; ++seed) {
    Sharpness sharpness(context, op, ball.matrices, ball.radii, to_the_end(seed));
    auto const report = sharpness.update(0.1);
    REQUIRE(report.lambda);
    CHECK(*report.lambda < highest * (1 + 1e4 * epsilon));
    CHECK(*report.lambda > 0.6 * highest);
    CHECK(!report.threshold_ratio);  // nobody said how steep the loss is
    best = std::max(best, *report.lambda);
    // D is a vertex: ⟨D, HD⟩ of what it holds is the value.
    auto const d = to_host(context, sharpness.vectors());
    CHECK(std::abs(dot(d, product(h, d)) / *report.lambda - 1) < 1e4 * epsilon);
    CHECK(distance(ball.vertex(d), d) < 1e4 * epsilon * norm(d));
  }
  CHECK(std::abs(best / highest - 1) < 1e4 * epsilon);
}

TEST_CASE("with one matrix of one row it is an eigenvalue", "[spectral_sharpness]") {
  // The spectral norm of a row is its length: λ = s² λmax.
  Context<Space> const context(MPI_COMM_WORLD);
  auto const h = matrix_of(network_spectrum(40, {9, 4, 3, -2}));
  DenseOperator op(context, h);
  Sharpness sharpness(context, op, {{0, 1, 40}}, {0.5}, to_the_end(3));
  sharpness.set_slope(0.25);
  auto const report = sharpness.update(0.1);
  CHECK(std::abs(*report.lambda / (0.25 * 9) - 1) < 1e4 * epsilon);
  CHECK(report.quality == curvature::Quality::converged);
  CHECK(std::abs(*report.threshold_ratio / (*report.lambda * 0.1 / 0.5) - 1) < 100 * epsilon);
}

TEST_CASE("one product a step follows a matrix that changes", "[spectral_sharpness]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const from = matrix_of(network_spectrum(size, {5, 4, 3})),
             to = matrix_of(network_spectrum(size, {9, 6, 3}), 2);
  DenseOperator op(context, from);
  Sharpness sharpness(context, op, ball.matrices, ball.radii,
                      {.max_hvps = 1, .cold_hvps = 100, .target_residual = 1e-3, .seed = 1});
  for (int t = 0; t <= 100; ++t) {
    auto const h = plus(from, t / 100.0, plus(to, -1, from));
    op.set(context, h);
    auto const report = sharpness.update(0.1);
    REQUIRE(report.lambda);
    CHECK(report.hvps <= (t == 0 ? 100 : 1));
    if (t % 20 != 0) continue;
    double const ended = ascend(h, ball, to_host(context, sharpness.vectors()));
    CHECK(*report.lambda > 0.93 * ended);
    CHECK(*report.lambda < ended * (1 + 1e4 * epsilon));
  }
}

TEST_CASE(
    "between measurements the value stands, and after a restart it goes on with the same bits",
    "[spectral_sharpness]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(size, {5, 4, 3})));
  curvature::SpectralOptions const options{.every = 3, .max_hvps = 1, .seed = 5};
  Sharpness whole(context, op, ball.matrices, ball.radii, options);
  for (int t = 0; t < 5; ++t) whole.update(0.1);
  Sharpness other(context, op, ball.matrices, ball.radii, options);
  Kokkos::deep_copy(other.vectors(), whole.vectors());
  other.restore(whole.state());
  for (int t = 5; t < 10; ++t) {
    auto const a = whole.update(0.1), b = other.update(0.1);
    CHECK(a.measured == (t % 3 == 0));
    CHECK(a.lambda == b.lambda);
    CHECK(a.residual == b.residual);
  }
}

TEST_CASE("what has no positive curvature, or no number, is lost", "[spectral_sharpness]") {
  Context<Space> const context(MPI_COMM_WORLD);
  BrokenOperator broken(static_cast<Index>(size));
  Sharpness of_nan(context, broken, ball.matrices, ball.radii);
  CHECK(of_nan.update(0.1).quality == curvature::Quality::lost);
  DiagonalOperator negative(context, Numbers(size, -1.0));
  Sharpness of_negative(context, negative, ball.matrices, ball.radii);
  auto const report = of_negative.update(0.1);
  CHECK(!report.lambda);
  CHECK(!report.threshold_ratio);
  CHECK_THROWS_AS(Sharpness(context, negative, {}, {}), ConfigError);
}

}  // namespace kyrtos::testing::spectral_sharpness
