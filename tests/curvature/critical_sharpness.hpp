// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/critical_sharpness.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

namespace kyrtos::testing::critical_sharpness {

using curvature::CriticalSharpness;
using curvature::CriticalSharpnessOptions;
using curvature::Quality;
using curvature::SharpnessReport;
using curvature::Stability;

constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

/// A loss along an update that counts how often it is asked.
struct Counted {
  std::function<double(double)> loss;
  int calls = 0;

  CriticalSharpness estimator(CriticalSharpnessOptions const& options = {}) {
    return CriticalSharpness(
        [this](double step) {
          ++calls;
          return loss(step);
        },
        options);
  }
};

/// L(η) = 3 − η + η²/η_c: falls, and is back at 3 for η = η_c.
inline std::function<double(double)> parabola(double critical) {
  return [critical](double step) { return 3 - step + step * step / critical; };
}

inline void check_lost(SharpnessReport const& report) {
  CHECK(report.quality == Quality::lost);
  CHECK(report.stability == Stability::unknown);
  CHECK_FALSE(report.lambda);
  CHECK_FALSE(report.residual);
  CHECK_FALSE(report.threshold_ratio);
}

TEST_CASE("critical sharpness of quadratics is the curvature along the update",
          "[critical_sharpness]") {
  // L(θ) = ½ Σ hᵢθᵢ² with g = hθ; d is the gradient, or a preconditioned one.
  std::vector<double> const h{9, 4, 1, 0.1}, theta{0.5, -1, 2, 3};
  std::vector<double> const inverse =
      GENERATE(std::vector<double>{1, 1, 1, 1}, std::vector<double>{0.1, 0.3, 2, 5});
  double const scale = GENERATE(1e-6, 1.0, 1e6);
  double slope = 0, curvature = 0;
  std::vector<double> d;
  for (std::size_t i = 0; i < h.size(); ++i) {
    d.push_back(scale * inverse[i] * h[i] * theta[i]);
    slope += h[i] * theta[i] * d[i];
    curvature += d[i] * h[i] * d[i];
  }
  Counted counted{[&](double step) {
    double loss = 0;
    for (std::size_t i = 0; i < h.size(); ++i)
      loss += h[i] * std::pow(theta[i] - step * d[i], 2) / 2;
    return loss;
  }};
  double const critical = 2 * slope / curvature;
  for (double const start : {0.01, 0.3, 1.0, 2.0, 50.0}) {
    INFO("from " << start << " times the critical step size");
    counted.calls = 0;
    auto const report = counted.estimator().update(start * critical);
    REQUIRE(report.lambda);
    CHECK(std::abs(*report.lambda * critical / 2 - 1) < 1e-9);
    CHECK(std::abs(*report.threshold_ratio / start - 1) < 1e-9);
    CHECK(report.quality == Quality::converged);
    CHECK(report.forward_passes == counted.calls);
    CHECK(report.forward_passes <= 7);
    CHECK(report.hvps == 0);
    CHECK_FALSE(report.residual);
  }
}

TEST_CASE("along the gradient, critical sharpness is a mean of eigenvalues",
          "[critical_sharpness]") {
  // λc = Σ gᵢ²hᵢ / Σ gᵢ²: of one eigenvector its eigenvalue.
  double const eigenvalue = 40;
  Counted counted{[&](double step) { return std::pow(1 - step * eigenvalue, 2) * eigenvalue / 2; }};
  CHECK(std::abs(*counted.estimator().update(0.01).lambda - eigenvalue) < 1e-9 * eigenvalue);
}

TEST_CASE("critical sharpness finds where any loss is back at its start", "[critical_sharpness]") {
  struct Case {
    std::function<double(double)> loss;
    double critical;
  };
  auto const c =
      GENERATE(Case{[](double step) { return step * step * step * step - step; }, 1},
               Case{[](double step) { return std::exp(3 * step) - 8 * step; }, 0.5738},
               Case{[](double step) { return step > 1.5 ? nan : step * step - step; }, 1},
               Case{[](double step) { return step < 1 ? -step : infinity; }, 1},
               Case{[](double step) { return step < 1 ? -step : nan; }, 1});
  double const start = GENERATE(0.5, 1.1);
  Counted counted{c.loss};
  CriticalSharpnessOptions const options{.max_forward_passes = 12};
  auto const report = counted.estimator(options).update(start * c.critical);
  CHECK(report.quality == Quality::converged);
  CHECK(std::abs(2 / *report.lambda - c.critical) < options.tolerance * c.critical);
}

TEST_CASE("critical sharpness starts warm", "[critical_sharpness]") {
  Counted counted{parabola(1)};
  auto estimator = counted.estimator();
  estimator.update(0.1);
  CHECK(std::abs(estimator.last_step_size() - 1) < 1e-9);
  SECTION("three passes where nothing has moved, or little") {
    for (double const critical : {1.0, 1.01, 0.995, 1.0, 1.016}) {
      counted.loss = parabola(critical);
      auto const report = estimator.update(0.1);
      CHECK(report.forward_passes == 3);
      CHECK(report.quality == Quality::converged);
      CHECK(std::abs(2 / *report.lambda - critical) < 1e-9);
    }
  }
  SECTION("five where more has") {
    for (double const critical : {1.2, 1.0, 0.6, 0.55, 0.9}) {
      counted.loss = parabola(critical);
      auto const report = estimator.update(0.1);
      CHECK(report.forward_passes <= 5);
      CHECK(report.quality == Quality::converged);
      CHECK(std::abs(2 / *report.lambda - critical) < 1e-9);
    }
  }
  SECTION("also after a restart") {
    auto restarted = counted.estimator();
    restarted.restore(estimator.last_step_size());
    auto const report = restarted.update(0.1), expected = estimator.update(0.1);
    CHECK(*report.lambda == *expected.lambda);
    CHECK(report.forward_passes == expected.forward_passes);
  }
}

TEST_CASE("critical sharpness that is lost has no numbers, and starts anew",
          "[critical_sharpness]") {
  Counted counted{parabola(1)};
  auto estimator = counted.estimator();
  estimator.update(1);
  SECTION("no loss at the start") {
    counted.loss = [](double) { return nan; };
    auto const report = estimator.update(1);
    check_lost(report);
    CHECK(report.forward_passes == 1);
  }
  SECTION("a loss that never rises") {
    counted.loss = [](double step) { return -step; };
    auto const report = estimator.update(1);
    check_lost(report);
    CHECK(report.forward_passes == 9);
  }
  SECTION("an update that never lowers the loss") {
    counted.loss = [](double step) { return step; };
    check_lost(estimator.update(1));
  }
  CHECK(estimator.last_step_size() == 0);
  counted.loss = parabola(1);
  CHECK(std::abs(*estimator.update(1).lambda - 2) < 1e-9);
}

TEST_CASE("critical sharpness keeps to its budget, and says what it got", "[critical_sharpness]") {
  Counted counted{parabola(1)};
  auto estimator = counted.estimator({.max_forward_passes = 3});
  auto const bracketed = estimator.update(0.7);  // between 0.7 and 1.4: no more passes to close it
  CHECK(counted.calls == 3);
  CHECK(bracketed.forward_passes == 3);
  CHECK(bracketed.quality == Quality::following);
  CHECK(std::abs(2 / *bracketed.lambda - 1) < 1e-9);
  check_lost(counted.estimator({.max_forward_passes = 3}).update(0.1));  // 0.1, 0.2
  counted.calls = 0;
  check_lost(counted.estimator().update(0));
  CHECK(counted.calls == 0);
}

TEST_CASE("critical sharpness places the step size against the edge", "[critical_sharpness]") {
  Counted counted{parabola(0.25)};
  auto const at = [&](double ratio) {
    auto const report = counted.estimator({.margin = 0.2}).update(ratio * 0.25);
    CHECK(std::abs(*report.threshold_ratio - ratio) < 1e-9);
    return report.stability;
  };
  CHECK(at(0.7) == Stability::stable);
  CHECK(at(0.85) == Stability::at_edge);
  CHECK(at(1.15) == Stability::at_edge);
  CHECK(at(1.3) == Stability::unstable);
}

TEST_CASE("critical sharpness refuses options that make no sense", "[critical_sharpness]") {
  Counted counted{parabola(1)};
  CHECK_THROWS_AS(counted.estimator({.max_forward_passes = 2}), ConfigError);
  CHECK_THROWS_AS(counted.estimator({.tolerance = 0}), ConfigError);
  CHECK_THROWS_AS(counted.estimator({.tolerance = 1}), ConfigError);
}

}  // namespace kyrtos::testing::critical_sharpness
