// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/preconditioned_operator.hpp>
#include <kyrtos/curvature/preconditioner.hpp>
#include <kyrtos/curvature/tracker.hpp>

#include "operators.hpp"

#include <algorithm>

// The tracker on operators that drift, cross, jump and break, held to LAPACK and Lanczos.

namespace kyrtos::testing {

using curvature::CurvatureTracker;
using curvature::Quality;
using curvature::Spectrum;
using curvature::Stability;
using curvature::StabilityThreshold;
using curvature::TrackerOptions;

/// Q(t) diag(spectrum) Q(t)ᵀ, whose eigenvectors turn by `angle` in every plane (k, k + 1), k even,
/// in each unit of t.
inline Numbers turning(Numbers const& spectrum, double t, double angle) {
  std::size_t const n = spectrum.size();
  Numbers a = matrix_of(spectrum);
  double const c = std::cos(angle * t), s = std::sin(angle * t);
  for (std::size_t k = 0; k + 1 < n; k += 2) {
    for (std::size_t j = 0; j < n; ++j) {
      double const x = a[k * n + j], y = a[(k + 1) * n + j];
      a[k * n + j] = c * x - s * y;
      a[(k + 1) * n + j] = s * x + c * y;
    }
    for (std::size_t i = 0; i < n; ++i) {
      double const x = a[i * n + k], y = a[i * n + k + 1];
      a[i * n + k] = c * x - s * y;
      a[i * n + k + 1] = s * x + c * y;
    }
  }
  return a;
}

inline double median(Numbers v) {
  std::nth_element(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

inline double relative_error(std::optional<double> found, double exact) {
  return found ? std::fabs(*found - exact) / std::fabs(exact) : 1.0;
}

TEST_CASE("one product a step follows what turns and grows; cold starts do not", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const spectrum = [](double largest) {
    return network_spectrum(80, {largest, 2.7, 2.5, 2.2, 2, -1});
  };
  DenseOperator op(context, matrix_of(spectrum(3)));
  CurvatureTracker<Scalar, Space> tracker(context, op, {2}, {.max_hvps = 1});
  Numbers errors, cold_errors;
  for (int t = 1; t <= 60; ++t) {
    double const exact = 3 * (1 + 0.01 * t);
    op.set(context, turning(spectrum(exact), t, 0.02));
    auto const report = tracker.update(0.1);
    CHECK(report.hvps == (t == 1 ? report.hvps : 1));
    if (t > 10) errors.push_back(relative_error(report.lambda, exact));
    CurvatureTracker<Scalar, Space> cold(context, op, {2},
                                         {.cold_hvps = 5, .seed = static_cast<std::uint64_t>(t)});
    if (t > 10) cold_errors.push_back(relative_error(cold.update(0.1).lambda, exact));
  }
  CHECK(median(errors) < 0.005);
  CHECK(median(cold_errors) > 4 * median(errors));
}

TEST_CASE("some eigenvalue lies within the residual of every report", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const spectrum = network_spectrum(60, {1, 0.9, 0.8, -1.1});
  DenseOperator op(context, turning(spectrum, 0, 0));
  auto const block = GENERATE(1, 2, 3);
  CurvatureTracker<Scalar, Space> tracker(context, op, {2}, {.block = block, .max_hvps = 6});
  for (int t = 1; t <= 30; ++t) {
    op.set(context, turning(spectrum, t, 0.05));
    auto const report = tracker.update(0.1);
    if (!report.lambda) continue;
    CHECK(distance(*report.lambda, spectrum) <=
          *report.residual * std::fabs(*report.lambda) + 100 * epsilon);
  }
}

TEST_CASE("more products where the residual asks for them, within the budget", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(60, {3, 2.5, -1})));
  CurvatureTracker<Scalar, Space> tracker(context, op, {2},
                                          {.max_hvps = 4, .cold_hvps = 9, .target_residual = 1e-3});
  CHECK(tracker.update(0.1).hvps == 9);
  Index spent = 9;
  for (int t = 0; t < 20; ++t) {
    auto const report = tracker.update(0.1);
    spent += report.hvps;
    if (report.hvps < 4) CHECK(report.quality == Quality::converged);
    if (report.quality != Quality::converged) CHECK(report.hvps == 4);
  }
  CHECK(op.products == spent);
  auto const report = tracker.update(0.1);
  CHECK(report.hvps == 1);
  CHECK(report.quality == Quality::converged);
  CHECK(relative_error(report.lambda, 3) < 1e-5);
}

TEST_CASE("a second product goes on from the Ritz vector of the first", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const sign = GENERATE(1.0, -1.0);  // the largest eigenvalue, or the smallest
  double const value = 3, remainder = 1, rest = GENERATE(0.7, -0.7);
  Numbers matrix{value, remainder, remainder, rest};
  for (auto& entry : matrix) entry *= sign;
  DenseOperator op(context, matrix);
  CurvatureTracker<Scalar, Space> tracker(
      context, op, {2},
      {.target = sign > 0 ? Spectrum::largest_algebraic : Spectrum::smallest_algebraic,
       .max_hvps = 2,
       .target_residual = 0});
  linalg::copy(context, to_device(context, {1, 0}), flat(tracker.vectors()));
  // With its m known, span{u, w} is all there is, and its Ritz vector an eigenvector.
  tracker.restore({.has_vectors = true, .warm = true, .rest = rest / std::hypot(value, remainder)});
  auto const report = tracker.update(0.1);
  double const half_gap = (value - rest) / 2;
  CHECK(report.hvps == 2);
  CHECK(relative_error(report.lambda, sign * (value - half_gap + std::hypot(half_gap, remainder))) <
        10 * epsilon);
  CHECK(report.residual < 1e3 * epsilon);
}

TEST_CASE("a negative eigenvalue of greater magnitude does not win", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const negative = GENERATE(-2.0, -2.4, -5.0);  // a ± pair, worse, much worse
  DenseOperator op(context, matrix_of(network_spectrum(60, {2, 1, negative})));
  CurvatureTracker<Scalar, Space> largest(context, op, {2}, {});
  CurvatureTracker<Scalar, Space> smallest(context, op, {2},
                                           {.target = Spectrum::smallest_algebraic});
  for (int t = 0; t < 40; ++t) {
    largest.update(0.1);
    smallest.update(0.1);
  }
  CHECK(relative_error(largest.update(0.1).lambda, 2) < 0.01);
  CHECK(relative_error(smallest.update(0.1).lambda, negative) < 0.01);
}

TEST_CASE("a block of two follows λmax through a crossing", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const spectrum = [](int t) { return network_spectrum(60, {2, 1 + 0.05 * t, -1}); };
  DenseOperator op(context, matrix_of(spectrum(0)));
  CurvatureTracker<Scalar, Space> tracker(context, op, {2}, {.block = 2, .max_hvps = 2});
  Numbers errors;
  for (int t = 0; t < 40; ++t) {
    op.set(context, matrix_of(spectrum(t)));
    auto const report = tracker.update(0.1);
    CHECK(report.hvps <= (t == 0 ? 20 : 2));
    if (t > 4) errors.push_back(relative_error(report.lambda, std::max(2.0, 1 + 0.05 * t)));
  }
  CHECK(*std::max_element(errors.begin(), errors.end()) < 0.01);
}

TEST_CASE("a single vector finds the new λmax after a crossing", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(60, {2, 1, -1})));
  CurvatureTracker<Scalar, Space> tracker(context, op, {2}, {});
  for (int t = 0; t < 30; ++t) tracker.update(0.1);
  op.set(context, matrix_of(network_spectrum(60, {2, 3, -1})));
  for (int t = 0; t < 60; ++t) tracker.update(0.1);
  CHECK(relative_error(tracker.update(0.1).lambda, 3) < 0.01);
}

TEST_CASE("what would be lost at one product goes on at once", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const spectrum = network_spectrum(60, {4, 0, 1, -1});
  DenseOperator op(context, matrix_of(spectrum));
  CurvatureTracker<Scalar, Space> tracker(context, op, {2}, {.max_hvps = 1});
  for (int t = 0; t < 10; ++t) tracker.update(0.1);
  // The eigenvector turns by 1.45 rad: the image of the one before is nearly orthogonal to it.
  op.set(context, turning(spectrum, 1, 1.45));
  auto const report = tracker.update(0.1);
  CHECK(report.hvps > 1);
  REQUIRE(report.lambda);
  CHECK(report.residual < 1);
  CHECK(tracker.update(0.1).hvps == 1);
}

/// λmax by Lanczos, converged.
inline double lanczos_largest(Context<Space> const& context,
                              curvature::LinearOperator<Scalar, Space>& op) {
  curvature::Lanczos<Scalar, Space> lanczos(context, op.size(), op.size());
  auto const result = lanczos.solve(op, {.tolerance = 1e-4});
  REQUIRE(result.converged);
  return result.largest[0].value;
}

TEST_CASE("a preconditioner that drifts, then jumps", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  Index const n = 80;
  DenseOperator op(context, matrix_of(network_spectrum(n, {3, 1.5, -1})));
  curvature::AdamPreconditioner<Scalar, Space> p(n, {.epsilon = 1e-6});
  View const root = allocate<Scalar>(context, "root", n),
             moment = allocate<Scalar>(context, "v", n);
  curvature::PreconditionedOperator<Scalar, Space> g(context, op, root);
  auto const block = GENERATE(1, 2);
  CurvatureTracker<Scalar, Space> tracker(context, op, StabilityThreshold::adam(0.9),
                                          {.block = block, .max_hvps = 6}, &p);
  Numbers v(static_cast<std::size_t>(n));
  Philox const random{9, 9};
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = std::exp(random.normal(i));
  Numbers errors;
  for (int t = 1; t <= 60; ++t) {
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] *= std::exp(0.02 * random.normal(1000 * static_cast<std::uint64_t>(t) + i));
    if (t == 30)
      for (std::size_t i = 0; i < v.size(); i += 2) v[i] *= 100;
    Kokkos::deep_copy(context.space(), moment, to_device(context, v));
    p.update(moment, 100 + t);
    p.inverse_root(context, root);
    auto const report = tracker.update(1e-3);
    CHECK(report.hvps <= (t == 1 ? 20 : 6));
    bool const settled = (t > 10 && t < 30) || t > 36;
    if (settled) errors.push_back(relative_error(report.lambda, lanczos_largest(context, g)));
  }
  CHECK(median(errors) < 0.005);
  CHECK(*std::max_element(errors.begin(), errors.end()) < 0.05);
}

TEST_CASE("the pencil's numbers are those of the preconditioned operator", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  Index const n = 60;
  DenseOperator op(context, matrix_of(network_spectrum(n, {3, 1.5, -1})));
  Numbers second(static_cast<std::size_t>(n));
  for (std::size_t i = 0; i < second.size(); ++i) second[i] = std::exp(2 * Philox{4, 4}.normal(i));
  View const v = to_device(context, second);
  curvature::AdamPreconditioner<Scalar, Space> p(n);
  p.update(v, 7);
  curvature::PreconditionedOperator<Scalar, Space> g(context, op);
  g.set(context, p);
  auto const block = GENERATE(1, 3);
  TrackerOptions const options{.block = block, .max_hvps = 3, .cold_hvps = 3};
  CurvatureTracker<Scalar, Space> of_pencil(context, op, {2}, options, &p);
  CurvatureTracker<Scalar, Space> of_operator(context, g, {2}, options);
  double const tolerance = 1e4 * epsilon;
  for (int t = 0; t < 12; ++t) {
    auto const a = of_pencil.update(0.1), b = of_operator.update(0.1);
    CHECK(a.hvps == b.hvps);
    REQUIRE(a.lambda.has_value() == b.lambda.has_value());
    if (!a.lambda) continue;
    CHECK(std::fabs(*a.lambda / *b.lambda - 1) < tolerance);
    CHECK(std::fabs(*a.residual - *b.residual) < tolerance);
  }
}

TEST_CASE("a borrowed vector serves as image", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(40, {3, 1, -1})));
  View const borrowed = to_device(context, Numbers(40, 7.0));
  CurvatureTracker<Scalar, Space> one(context, op, {2}),
      other(context, op, {2}, {}, nullptr, borrowed);
  for (int t = 0; t < 5; ++t) {
    CHECK(one.update(0.1).lambda == other.update(0.1).lambda);
    linalg::fill(context, borrowed, std::numeric_limits<double>::quiet_NaN());
  }
}

TEST_CASE("a NaN is reported as lost, without numbers, and recovered from", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  Numbers const good = matrix_of(network_spectrum(40, {3, 1, -1}));
  Numbers bad = good;
  bad[7] = std::numeric_limits<double>::quiet_NaN();
  auto const block = GENERATE(1, 2);
  DenseOperator op(context, good);
  CurvatureTracker<Scalar, Space> tracker(context, op, {2}, {.block = block});
  CHECK(tracker.update(1.0).stability == Stability::unstable);  // 3·1 > 2
  op.set(context, bad);
  for (int t = 0; t < 2; ++t) {
    auto const report = tracker.update(1.0);
    CHECK(report.quality == Quality::lost);
    CHECK(report.stability == Stability::unknown);
    CHECK_FALSE(report.lambda);
    CHECK_FALSE(report.residual);
    CHECK_FALSE(report.threshold_ratio);
    CHECK(report.hvps >= 1);
  }
  op.set(context, good);
  auto const report = tracker.update(0.5);
  CHECK(relative_error(report.lambda, 3) < 0.05);
  CHECK(*report.threshold_ratio == *report.lambda * 0.5 / 2);
  CHECK(report.stability == Stability::stable);
}

TEST_CASE("the cadence repeats values, the threshold follows the step size", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DenseOperator op(context, matrix_of(network_spectrum(40, {2, 1, -1})));
  CurvatureTracker<Scalar, Space> tracker(context, op, {2}, {.every = 3});
  auto const first = tracker.update(0.5);
  CHECK(first.measured);
  auto const second = tracker.update(0.95);
  CHECK_FALSE(second.measured);
  CHECK(second.hvps == 0);
  CHECK(second.lambda == first.lambda);
  CHECK(second.stability == Stability::at_edge);
  CHECK_FALSE(tracker.update(0.5).measured);
  CHECK(tracker.update(0.5).measured);
}

TEST_CASE("a restored tracker goes on with the same bits", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const block = GENERATE(1, 2);
  auto const matrix = [](int t) { return turning(network_spectrum(40, {2, 1.9, -2.5}), t, 0.05); };
  DenseOperator op(context, matrix(0));
  TrackerOptions const options{.block = block, .every = 2, .cold_hvps = 2};
  CurvatureTracker<Scalar, Space> one(context, op, {2}, options), other(context, op, {2}, options);
  for (int t = 0; t < 5; ++t) one.update(0.1);
  Kokkos::deep_copy(context.space(), other.vectors(), one.vectors());
  other.restore(one.state());
  for (int t = 5; t < 15; ++t) {
    op.set(context, matrix(t));
    auto const a = one.update(0.1), b = other.update(0.1);
    CHECK(a.lambda == b.lambda);
    CHECK(a.residual == b.residual);
    CHECK(a.hvps == b.hvps);
  }
}

TEST_CASE("options that contradict are refused", "[tracker]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DiagonalOperator op(context, Numbers(10, 1.0));
  using Tracker = CurvatureTracker<Scalar, Space>;
  CHECK_THROWS_AS(Tracker(context, op, {2}, {.block = 5}), ConfigError);
  CHECK_THROWS_AS(Tracker(context, op, {2}, {.every = 0}), ConfigError);
  CHECK_THROWS_AS(Tracker(context, op, {2}, {.min_hvps = 6}), ConfigError);
  CHECK_THROWS_AS(Tracker(context, op, {2}, {.block = 2, .max_hvps = 1}), ConfigError);
}

}  // namespace kyrtos::testing
