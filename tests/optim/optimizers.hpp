// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/optim/adamw.hpp>
#include <kyrtos/optim/sgd.hpp>

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <vector>

// Optimisers against plain loops in double and against closed forms.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;
using Space = Kokkos::DefaultExecutionSpace;

struct OptimizerRun {
  static constexpr Index size = 3000;
  Context<Space> context{MPI_COMM_SELF};
  Vector<Scalar, Space> theta = allocate<Scalar>(context, "test::theta", size);
  Vector<Scalar, Space> gradient = allocate<Scalar>(context, "test::gradient", size);
  std::vector<optim::ParameterRange> ranges{{0, 1000, true}, {1200, 1800, false}};

  void load(Vector<Scalar, Space> const& v, std::uint64_t stream) const {
    auto const host = Kokkos::create_mirror_view(v);
    for (Index i = 0; i < size; ++i)
      host(i) = static_cast<Scalar>(Philox{5, stream}.normal(static_cast<std::uint64_t>(i)));
    Kokkos::deep_copy(v, host);
  }
  static std::vector<double> host(Vector<Scalar, Space> const& v) {
    auto const h = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), v);
    return {h.data(), h.data() + h.size()};
  }
};

/// Largest |a − b|.
inline double gap(std::vector<double> const& a, std::vector<double> const& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST_CASE("AdamW is its formula", "[optimizers]") {
  OptimizerRun const run;
  optim::AdamWOptions const o{.beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.2};
  optim::AdamW<Scalar, Space> adam(run.context, run.size, run.ranges, o);
  run.load(run.theta, 0);
  std::vector<double> x = run.host(run.theta), m(x.size(), 0.0), v(x.size(), 0.0);
  double const rate = 0.05, scale = 0.5;
  for (int t = 1; t <= 5; ++t) {
    run.load(run.gradient, static_cast<std::uint64_t>(t));
    auto const g = run.host(run.gradient);
    adam.update(run.context, run.theta, run.gradient, rate, scale);
    for (auto const& range : run.ranges)
      for (Index k = range.offset; k < range.offset + range.size; ++k) {
        auto const i = static_cast<std::size_t>(k);
        m[i] = o.beta1 * m[i] + (1 - o.beta1) * scale * g[i];
        v[i] = o.beta2 * v[i] + (1 - o.beta2) * scale * g[i] * scale * g[i];
        double const m_hat = m[i] / (1 - std::pow(o.beta1, t));
        double const v_hat = v[i] / (1 - std::pow(o.beta2, t));
        x[i] -= rate * (m_hat / (std::sqrt(v_hat) + o.epsilon) +
                        (range.decay ? o.weight_decay * x[i] : 0));
      }
  }
  CHECK(adam.steps() == 5);
  CHECK(gap(run.host(run.theta), x) < 100 * std::numeric_limits<Scalar>::epsilon());
}

TEST_CASE("momentum converges to 1/(1 - momentum) times the gradient", "[optimizers]") {
  OptimizerRun const run;
  optim::Sgd<Scalar, Space> sgd(run.context, run.size, {{0, run.size, false}}, {.momentum = 0.5});
  Kokkos::deep_copy(run.gradient, Scalar(1));
  // θ_T = −η Σ_t (1 − ½ᵗ)/½ with ½ for the momentum: −η(2T − 2(1 − ½ᵀ))
  for (int t = 0; t < 10; ++t) sgd.update(run.context, run.theta, run.gradient, 0.25);
  double const expected = -0.25 * (2 * 10 - 2 * (1 - std::pow(0.5, 10)));
  CHECK(gap(run.host(run.theta), std::vector<double>(run.size, expected)) <
        100 * std::numeric_limits<Scalar>::epsilon());
}

TEST_CASE("parameters outside the ranges stay bit by bit", "[optimizers]") {
  OptimizerRun const run;
  run.load(run.theta, 1);
  auto const before = run.host(run.theta);
  Kokkos::deep_copy(run.gradient, std::numeric_limits<Scalar>::quiet_NaN());
  optim::AdamW<Scalar, Space> adam(run.context, run.size, {{0, 10, true}});
  adam.update(run.context, run.theta, run.gradient, 0.1);
  auto const after = run.host(run.theta);
  CHECK(std::vector(after.begin() + 10, after.end()) ==
        std::vector(before.begin() + 10, before.end()));
  CHECK(std::isnan(after[0]));
}

TEST_CASE("neighbouring segments of one kind become one range", "[optimizers]") {
  ParameterLayout layout;
  layout.append("a", {{"weight", {2, 3}, {}, true}, {"bias", {2}, {}, false}});
  layout.append("b", {{"bias", {4}, {}, false}, {"weight", {5}, {}, true}});
  auto const ranges = optim::ranges_of(layout);
  REQUIRE(ranges.size() == 3);
  CHECK((ranges[1].offset == 6 && ranges[1].size == 6 && !ranges[1].decay));
  auto const some = optim::ranges_of(layout, [](Segment const& s) {
    return s.name.starts_with("b.") ? std::optional(optim::ParameterAge()) : std::nullopt;
  });
  REQUIRE(some.size() == 2);
  CHECK((some[0].offset == 8 && some[0].size == 4));
}

TEST_CASE("optimisers refuse options out of range", "[optimizers]") {
  OptimizerRun const run;
  using Adam = optim::AdamW<Scalar, Space>;
  using Sgd = optim::Sgd<Scalar, Space>;
  CHECK_THROWS_AS(Adam(run.context, 1, {}, {.beta1 = 1}), ConfigError);
  CHECK_THROWS_AS(Adam(run.context, 1, {}, {.epsilon = 0}), ConfigError);
  CHECK_THROWS_AS(Sgd(run.context, 1, {}, {.momentum = -0.1}), ConfigError);
}

}  // namespace kyrtos::testing
