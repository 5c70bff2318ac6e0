// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/preconditioner.hpp>

#include "operators.hpp"

namespace kyrtos::testing::preconditioner {

using curvature::AdamPreconditionerKind;
using curvature::AdamPreconditionerOptions;
using curvature::StabilityThreshold;
using Preconditioner = curvature::AdamPreconditioner<Scalar, Space>;

/// Adam's moments in double, from made-up gradients of very different sizes; one is always 0.
struct PlainAdam {
  static constexpr std::size_t size = 40;
  AdamPreconditionerOptions options;
  Numbers m = Numbers(size, 0.0), v = Numbers(size, 0.0);
  int t = 0;

  void step() {
    ++t;
    for (std::size_t i = 1; i < size; ++i) {
      double const scale = std::pow(10.0, static_cast<double>(i % 9) - 6);
      double const g = scale * Philox{3, static_cast<std::uint64_t>(t)}.normal(i);
      m[i] = options.beta1 * m[i] + (1 - options.beta1) * g;
      v[i] = options.beta2 * v[i] + (1 - options.beta2) * g * g;
    }
  }

  /// −η P⁻¹ m is Adam's step: P = m/(m̂/(√v̂ + ε)).
  Numbers preconditioner() const {
    Numbers p;
    for (double const second : v) {
      double const hat = second / (1 - std::pow(options.beta2, t));
      p.push_back(options.kind == AdamPreconditionerKind::plain
                      ? std::sqrt(second) + options.epsilon
                      : (1 - std::pow(options.beta1, t)) * (std::sqrt(hat) + options.epsilon));
    }
    return p;
  }
};

inline double largest_relative_error(Numbers const& found, Numbers const& wanted) {
  double largest = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i)
    largest = std::max(largest, std::fabs(found[i] / wanted[i] - 1));
  return largest;
}

/// P^(-1/2)
inline Numbers inverse_root(Context<Space> const& context, Preconditioner const& p) {
  View const root = allocate<Scalar>(context, "root", p.size());
  p.inverse_root(context, root);
  return to_host(context, root);
}

inline Numbers inverse_root(Numbers p) {
  for (double& value : p) value = 1 / std::sqrt(value);
  return p;
}

TEST_CASE("Adam's preconditioner is its formula", "[preconditioner]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const kind = GENERATE(AdamPreconditionerKind::bias_corrected, AdamPreconditionerKind::plain);
  double const epsilon_of_adam = GENERATE(1e-8, 1e-3);
  PlainAdam adam{{kind, 0.8, 0.95, epsilon_of_adam}};
  Preconditioner p(adam.size, adam.options);
  CHECK(inverse_root(context, p) == Numbers(adam.size, 1.0));
  for (int t = 1; t <= 6; ++t) {
    adam.step();
    View const v = to_device(context, adam.v);
    p.update(v, t);
    INFO("step " << t);
    CHECK(largest_relative_error(inverse_root(context, p), inverse_root(adam.preconditioner())) <
          20 * epsilon);
  }
}

TEST_CASE("with the bias-corrected preconditioner Adam's step is the moving average's",
          "[preconditioner]") {
  Context<Space> const context(MPI_COMM_WORLD);
  PlainAdam adam{{.beta1 = 0.9, .beta2 = 0.99, .epsilon = 1e-5}};
  Preconditioner p(adam.size, adam.options);
  for (int t = 1; t <= 4; ++t) adam.step();
  View const v = to_device(context, adam.v);
  p.update(v, 4);
  Numbers step, wanted;
  Numbers const root = inverse_root(context, p);
  for (std::size_t i = 1; i < adam.size; ++i) {  // m₀ = 0
    step.push_back(root[i] * root[i] * adam.m[i]);
    double const m_hat = adam.m[i] / (1 - std::pow(0.9, 4));
    double const v_hat = adam.v[i] / (1 - std::pow(0.99, 4));
    wanted.push_back(m_hat / (std::sqrt(v_hat) + 1e-5));
  }
  CHECK(largest_relative_error(step, wanted) < 20 * epsilon);
}

TEST_CASE("both kinds of preconditioner are one in the long run", "[preconditioner]") {
  Context<Space> const context(MPI_COMM_WORLD);
  View const v = to_device(context, {4, 1e-4, 100});
  Preconditioner corrected(3), plain(3, {.kind = AdamPreconditionerKind::plain});
  Index const step = GENERATE(1, 1'000'000);
  corrected.update(v, step);
  plain.update(v, step);
  double const gap =
      largest_relative_error(inverse_root(context, corrected), inverse_root(context, plain));
  if (step == 1)  // P = 0.1·√(v/0.001): by √10 larger
    CHECK(std::fabs(gap - (1 - std::pow(10.0, -0.25))) < 1e-3);
  else
    CHECK(gap < 4 * epsilon);
}

TEST_CASE("ranges of different ages have bias corrections of their own", "[preconditioner]") {
  Context<Space> const context(MPI_COMM_WORLD);
  View const v = to_device(context, {4, 4, 4, 4});
  Preconditioner p(4), old(4), young(4);
  p.update(v, {{0, 1, 50, 50}, {2, 2, 3, 7}});
  old.update(v, 50);
  young.update(v, {{0, 4, 3, 7}});
  auto const root = inverse_root(context, p);
  CHECK(root[0] == inverse_root(context, old)[0]);
  CHECK(root[1] == 1);  // no range covers it
  CHECK(root[2] == inverse_root(context, young)[2]);
  CHECK(root[3] == root[2]);
  CHECK(root[2] != root[0]);
}

TEST_CASE("a preconditioner refuses what does not fit", "[preconditioner]") {
  Context<Space> const context(MPI_COMM_WORLD);
  CHECK_THROWS_AS(Preconditioner(3, {.beta1 = 1}), ConfigError);
  CHECK_THROWS_AS(Preconditioner(3, {.beta2 = -0.1}), ConfigError);
  CHECK_THROWS_AS(Preconditioner(3, {.epsilon = 0}), ConfigError);
  Preconditioner p(3);
  View const v = to_device(context, {1, 1, 1, 1});
  CHECK_THROWS_AS(p.update(v, 1), ShapeError);
  CHECK_THROWS_AS(p.inverse_root(context, v), ShapeError);
  CHECK_THROWS_AS(p.update(slice(v, 0, 3), 0), ConfigError);
  CHECK_THROWS_AS(p.update(slice(v, 0, 3), {{1, 3, 1, 1}}), ShapeError);
}

/// Whether x ← x − η m, m ← momentum·m + weight·λx, shrinks x.
inline bool is_stable(double learning_rate, double lambda, double momentum, double weight) {
  double x = 1, m = 0;
  for (int t = 0; t < 20'000; ++t) {
    m = momentum * m + weight * lambda * x;
    x -= learning_rate * m;
  }
  return std::fabs(x) < 1;
}

TEST_CASE("thresholds of stability, and that they are", "[preconditioner]") {
  CHECK(StabilityThreshold::sgd().at(0.1) == 20);
  CHECK(std::fabs(StabilityThreshold::sgd(0.9).at(0.1) - 38) < 1e-12);
  CHECK(std::fabs(StabilityThreshold::adam(0.9).at(1) - 38) < 1e-12);
  CHECK(StabilityThreshold::adam(0).factor == 2);
  for (double const beta : {0.0, 0.5, 0.9}) {
    for (double const rate : {0.3, 1e-3}) {
      double const sgd = StabilityThreshold::sgd(beta).at(rate),
                   adam = StabilityThreshold::adam(beta).at(rate);
      CHECK(is_stable(rate, 0.99 * sgd, beta, 1));
      CHECK_FALSE(is_stable(rate, 1.01 * sgd, beta, 1));
      CHECK(is_stable(rate, 0.99 * adam, beta, 1 - beta));
      CHECK_FALSE(is_stable(rate, 1.01 * adam, beta, 1 - beta));
      CHECK(std::fabs(StabilityThreshold::adam(beta).ratio(adam / 4, rate) - 0.25) < 1e-12);
    }
  }
  CHECK(StabilityThreshold::adam(0.9).ratio(1e9, 0) == 0);
}

}  // namespace kyrtos::testing::preconditioner
