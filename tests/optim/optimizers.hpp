// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
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

/// One AdamW step after the other in double, with the options that change v and rates.
struct AdamReference {
  optim::AdamWOptions o;
  std::vector<optim::ParameterRange> tensors;  // which are clipped, and decay
  std::vector<double> x, m, v;
  int t = 0;

  void step(std::vector<double> const& g, double rate) {
    ++t;
    bool const from_gradient =
        o.initial_second_moment == optim::AdamWOptions::InitialSecondMoment::gradient;
    double const grown = 1 - std::pow(t, -o.beta2_exponent);
    double b2 = o.beta2_exponent > 0 ? std::min(o.beta2, grown) : o.beta2;
    if (t == 1 && from_gradient) b2 = 0;
    double const correction = o.beta2_exponent > 0 ? 1 : 1 - std::pow(o.beta2, t);
    for (auto const& range : tensors) {
      double square = 0;
      for (Index k = range.offset; k < range.offset + range.size; ++k) {
        auto const i = static_cast<std::size_t>(k);
        m[i] = o.beta1 * m[i] + (1 - o.beta1) * g[i];
        v[i] = b2 * v[i] + (1 - b2) * g[i] * g[i];
        square += g[i] * g[i] / std::max(v[i] / correction, o.epsilon * o.epsilon);
      }
      double const rms = std::sqrt(square / static_cast<double>(range.size));
      double const clipped = rate / (o.update_clipping ? std::max(1.0, rms) : 1);
      double const decay = o.decay_reference_rate > 0 ? rate / o.decay_reference_rate : clipped;
      for (Index k = range.offset; k < range.offset + range.size; ++k) {
        auto const i = static_cast<std::size_t>(k);
        double const step =
            m[i] / (1 - std::pow(o.beta1, t)) / (std::sqrt(v[i] / correction) + o.epsilon);
        x[i] = (range.decay ? 1 - decay * o.weight_decay : 1) * x[i] - clipped * step;
      }
    }
  }
};

TEST_CASE("AdamW's options are their formulas", "[optimizers]") {
  using Initial = optim::AdamWOptions::InitialSecondMoment;
  optim::AdamWOptions const plain{.beta1 = 0.8, .beta2 = 0.9, .epsilon = 1e-3, .weight_decay = 0.2};
  std::vector<optim::AdamWOptions> all(5, plain);
  all[0].initial_second_moment = Initial::gradient;
  all[1].beta2_exponent = 0.8;
  all[2].update_clipping = true;
  all[3].decay_reference_rate = 0.1;
  all[4] = {.beta1 = 0.8,
            .beta2 = 0.9,
            .epsilon = 1e-3,
            .weight_decay = 0.2,
            .initial_second_moment = Initial::gradient,
            .update_clipping = true,
            .decay_reference_rate = 0.1};
  for (auto const& o : all) {
    OptimizerRun const run;
    // Two tensors in the first range, one in the second.
    std::vector<optim::ParameterRange> const tensors{
        {0, 400, true}, {400, 600, true}, {1200, 1800, false}};
    optim::Tensors const known{run.size, {{0, 400}, {400, 600}, {1000, 200}, {1200, 1800}}};
    optim::AdamW<Scalar, Space> adam(run.context, run.size, run.ranges, o, known);
    run.load(run.theta, 0);
    std::vector<double> const zeros(run.size, 0.0);
    AdamReference reference{o, tensors, run.host(run.theta), zeros, zeros};
    double largest = 0;
    for (int t = 1; t <= 6; ++t) {
      run.load(run.gradient, static_cast<std::uint64_t>(t));
      linalg::scale(run.context, t == 4 ? 6 : 1, run.gradient);  // a spike
      adam.update(run.context, run.theta, run.gradient, 0.05);
      reference.step(run.host(run.gradient), 0.05);
      for (double const divisor : adam.divisors()) largest = std::max(largest, divisor);
    }
    CHECK(gap(run.host(run.theta), reference.x) < 200 * std::numeric_limits<Scalar>::epsilon());
    CHECK((largest > 1.2) == o.update_clipping);
  }
}

TEST_CASE("beta2 grows as 1 - t^-c, up to its bound", "[optimizers]") {
  optim::AdamWOptions const o{.beta2 = 0.95, .beta2_exponent = 0.8};
  CHECK(o.beta2_at(1) == 0);
  CHECK(std::abs(o.beta2_at(2) - (1 - std::pow(2, -0.8))) < 1e-15);
  CHECK(o.beta2_at(1000) == 0.95);
  CHECK(optim::AdamWOptions{.beta2 = 0.95}.beta2_at(1) == 0.95);
}

TEST_CASE("independent decay forgets at the schedule's share, whatever the peak", "[optimizers]") {
  double const fast = optim::WeightDecay{0.01, 1e-1}.factor(0.5e-1),
               slow = optim::WeightDecay{0.01, 1e-4}.factor(0.5e-4);
  CHECK(std::abs(fast - 0.995) < 1e-15);
  CHECK(std::abs(slow - 0.995) < 1e-15);
  CHECK(optim::WeightDecay{0.01}.factor(0.1) == 1 - 0.1 * 0.01);
}

/// Whether E[θ²] stays bounded under heavy-ball descent on batches of the loss Hθ²/2, with H =
/// `sharpness` in one of `noise` batches and 0 in the others. The moments follow a linear map.
inline bool is_stable_in_mean_square(double sharpness, double noise, double rate, double momentum) {
  double const mean = rate * sharpness / noise, square = noise * mean * mean;  // of ηH, (ηH)²
  double a = 1, b = 0, c = 0;  // E θ², E θΔ, E Δ², with Δ the last change
  for (int t = 0; t < 20000 && a < 1e9; ++t) {
    double const c_next = momentum * momentum * c - 2 * momentum * mean * b + square * a;
    double const across = momentum * b - mean * a;  // E θΔ of θ before and Δ after the step
    a += 2 * across + c_next;
    b = across + c_next;
    c = c_next;
  }
  return a < 1e3;
}

TEST_CASE("momentum has one threshold for full batches and a lower one for small ones",
          "[optimizers]") {
  OptimizerRun const run;
  optim::Sgd<Scalar, Space> const plain(run.context, 1, {}),
      heavy(run.context, 1, {}, {.momentum = 0.9});
  CHECK(plain.threshold().factor == 2);
  CHECK(!plain.small_batch_threshold());
  CHECK(std::abs(heavy.threshold().factor - 3.8) < 1e-12);
  CHECK(std::abs(heavy.small_batch_threshold()->factor - 0.2) < 1e-12);
  double const rate = 0.1;
  double const full = heavy.threshold().at(rate), small = heavy.small_batch_threshold()->at(rate);
  CHECK(is_stable_in_mean_square(0.98 * full, 1, rate, 0.9));
  CHECK(!is_stable_in_mean_square(1.02 * full, 1, rate, 0.9));
  CHECK(is_stable_in_mean_square(0.98 * small, 100, rate, 0.9));
  CHECK(!is_stable_in_mean_square(1.03 * small, 100, rate, 0.9));
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
  CHECK_THROWS_AS(Adam(run.context, 1, {}, {.beta2_exponent = -1}), ConfigError);
  CHECK_THROWS_AS(Adam(run.context, 1, {}, {.update_clipping = true}), ConfigError);
  CHECK_THROWS_AS(Sgd(run.context, 1, {}, {.momentum = -0.1}), ConfigError);
}

}  // namespace kyrtos::testing
