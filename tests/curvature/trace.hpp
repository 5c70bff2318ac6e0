// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/trace.hpp>

#include "operators.hpp"

#include <numeric>

namespace kyrtos::testing {

using curvature::TraceEstimate;

/// The mean over independent seeds is within 4 of its standard errors of the exact trace, and the
/// error that each estimate states is the spread that they have (within a factor of 2).
template <class Estimate>
void check_unbiased(Estimate const& estimate, double exact) {
  constexpr int runs = 60;
  double mean = 0, square = 0, stated = 0;
  for (int seed = 0; seed < runs; ++seed) {
    TraceEstimate const t = estimate(static_cast<std::uint64_t>(seed));
    mean += t.value / runs;
    square += (t.value - exact) * (t.value - exact) / runs;
    stated += t.standard_error * t.standard_error / runs;
  }
  CHECK(std::fabs(mean - exact) < 4 * std::sqrt(square / runs));
  CHECK(stated < 4 * square);
  CHECK(stated > square / 4);
}

TEST_CASE("trace estimates are unbiased and know their error", "[trace]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const spectrum = network_spectrum(90, {30, 20, -10, 5});
  double const exact = std::accumulate(spectrum.begin(), spectrum.end(), 0.0);
  DenseOperator op(context, matrix_of(spectrum));
  auto const hutchinson = [&](std::uint64_t seed) {
    return curvature::hutchinson_trace(context, op, 18, seed);
  };
  auto const hutch_plus_plus = [&](std::uint64_t seed) {
    return curvature::hutch_plus_plus(context, op, 24, seed);
  };
  check_unbiased(hutchinson, exact);
  check_unbiased(hutch_plus_plus, exact);
  // The outliers are projected out, so at equal cost the error is much smaller.
  CHECK(curvature::hutch_plus_plus(context, op, 30).standard_error <
        0.2 * curvature::hutchinson_trace(context, op, 30).standard_error);
}

TEST_CASE("traces that need no luck", "[trace]") {
  Context<Space> const context(MPI_COMM_WORLD);
  SECTION("Hutchinson with signs is exact for a diagonal") {
    DiagonalOperator op(context, {1, 2, 3, -4.5});
    auto const t = curvature::hutchinson_trace(context, op, 5);
    CHECK(t.hvps == 5);
    CHECK(op.products == 5);
    CHECK(std::fabs(t.value - 1.5) < 20 * epsilon);
    CHECK(t.standard_error < 20 * epsilon);
  }
  SECTION("Hutch++ is exact for a matrix of low rank") {
    Numbers spectrum(40, 0.0);
    spectrum[0] = 3;
    spectrum[1] = -1;
    DenseOperator op(context, matrix_of(spectrum));
    auto const t = curvature::hutch_plus_plus(context, op, 12);
    CHECK(op.products == 12);
    CHECK(std::fabs(t.value - 2) < 200 * epsilon);
  }
}

TEST_CASE("traces repeat bit by bit, and refuse NaN and too few products", "[trace]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(40, {3, 2})));
  CHECK(curvature::hutch_plus_plus(context, op, 9, 7).value ==
        curvature::hutch_plus_plus(context, op, 9, 7).value);
  CHECK(curvature::hutch_plus_plus(context, op, 9, 7).value !=
        curvature::hutch_plus_plus(context, op, 9, 8).value);
  BrokenOperator broken(40);
  CHECK_THROWS_AS(curvature::hutchinson_trace(context, broken, 5), NumericalError);
  CHECK_THROWS_AS(curvature::hutch_plus_plus(context, broken, 9), NumericalError);
  CHECK_THROWS_AS(curvature::hutch_plus_plus(context, op, 5), ConfigError);
}

}  // namespace kyrtos::testing
