// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/spectral_density.hpp>

#include "operators.hpp"

#include <numeric>

namespace kyrtos::testing {

inline double trace_of_power(Numbers const& spectrum, int power) {
  double sum = 0;
  for (double x : spectrum) sum += std::pow(x, power);
  return sum / static_cast<double>(spectrum.size());
}

TEST_CASE("the quadrature's moments are the traces of powers", "[spectral_density]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const spectrum = network_spectrum(100, {3, 2, -1});
  SECTION("within the error of the probes, for a dense matrix") {
    DenseOperator op(context, matrix_of(spectrum));
    auto const result =
        curvature::spectral_density(context, op, {.probes = 30, .steps = 12, .seed = 3});
    CHECK(result.hvps == 30 * 12);
    CHECK(op.products == result.hvps);
    for (int power : {1, 2, 3, 4}) {
      auto const m = result.moment(power);
      CHECK(m.standard_error > 0);
      CHECK(std::fabs(m.value - trace_of_power(spectrum, power)) < 4 * m.standard_error);
    }
  }
  SECTION("exactly, for a diagonal: every probe of signs weighs each eigenvalue alike") {
    DiagonalOperator op(context, spectrum);
    auto const result = curvature::spectral_density(context, op, {.probes = 3, .steps = 6});
    for (int power = 0; power <= 11; ++power) {  // Gauss quadrature: degree 2·6 − 1
      auto const m = result.moment(power);
      double const exact = trace_of_power(spectrum, power);
      CHECK(std::fabs(m.value - exact) < 300 * epsilon * std::pow(3.0, power));
    }
  }
}

TEST_CASE("the density integrates to one and peaks at the eigenvalues", "[spectral_density]") {
  Context<Space> const context(MPI_COMM_WORLD);
  Numbers spectrum(64, 0.0);
  std::fill_n(spectrum.begin(), 16, 2.0);
  std::fill_n(spectrum.begin() + 16, 16, -1.0);
  DenseOperator op(context, matrix_of(spectrum));
  auto const result =
      curvature::spectral_density(context, op, {.probes = 20, .steps = 10, .grid_points = 801});
  CHECK(result.hvps == 20 * 3);  // three distinct eigenvalues end each Krylov space
  double const h = result.grid[1] - result.grid[0];
  double const mass = std::accumulate(result.density.begin(), result.density.end(), 0.0) * h;
  CHECK(std::fabs(mass - 1) < 1e-3);  // the tails beyond four widths
  auto const mass_around = [&](double x) {
    double sum = 0;
    for (std::size_t i = 0; i < result.grid.size(); ++i)
      if (std::fabs(result.grid[i] - x) < 5 * result.width) sum += result.density[i] * h;
    return sum;
  };
  CHECK(std::fabs(mass_around(2) - 0.25) < 0.05);
  CHECK(std::fabs(mass_around(-1) - 0.25) < 0.05);
  CHECK(std::fabs(mass_around(0) - 0.5) < 0.05);
  CHECK(mass_around(1) < 1e-6);
}

TEST_CASE("densities of trivial operators, and NaN", "[spectral_density]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DiagonalOperator zero(context, Numbers(10, 0.0));
  auto const result = curvature::spectral_density(context, zero, {.probes = 1});
  CHECK(result.moment(1).value == 0);
  CHECK(std::isfinite(result.density.front()));
  BrokenOperator broken(10);
  CHECK_THROWS_AS(curvature::spectral_density(context, broken), NumericalError);
}

}  // namespace kyrtos::testing
