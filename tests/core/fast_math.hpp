// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/fast_math.hpp>

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

namespace kyrtos::test::fast_math {

using Scalar = KYRTOS_TEST_SCALAR;
using Limits = std::numeric_limits<Scalar>;

/// The largest distance of f from `exact` on a grid, in spacings of Scalar at the exact value.
template <class F, class Exact>
double largest_error(F f, Exact exact, double begin, double end, int points = 200'000) {
  double worst = 0;
  for (int i = 0; i <= points; ++i) {
    auto const x = static_cast<Scalar>(begin + (end - begin) * i / points);
    long double const expected = exact(static_cast<long double>(x));
    auto const rounded = std::fabs(static_cast<Scalar>(expected));
    long double const spacing = std::nextafter(rounded, Limits::infinity()) - rounded;
    auto const error = std::fabs(static_cast<long double>(f(x)) - expected) / spacing;
    worst = std::isnan(error) ? Limits::infinity() : std::max(worst, static_cast<double>(error));
  }
  return worst;
}

#define KYRTOS_BOTH(name)                         \
  [](Scalar x) { return kyrtos::fast::name(x); }, \
      [](long double x) { return static_cast<long double>(std::name(x)); }

inline long double exact_sigmoid(long double x) {
  return 1 / (1 + std::exp(-x));
}

TEST_CASE("fast::exp is within 1.5 ulp over the whole range, denormal results included") {
  double const least = std::log(static_cast<double>(Limits::denorm_min()));
  double const greatest = std::log(static_cast<double>(Limits::max()));
  CHECK(largest_error(KYRTOS_BOTH(exp), least, greatest * 0.9999) < 1.5);
  CHECK(largest_error(KYRTOS_BOTH(exp), -2, 2) < 1.5);
  CHECK(largest_error(KYRTOS_BOTH(exp), -1e-3, 1e-3) < 1.5);
}

TEST_CASE("fast::exp reaches 0, infinity and 1") {
  CHECK(fast::exp(-Limits::infinity()) == 0);
  CHECK(fast::exp(-Limits::max()) == 0);
  CHECK(fast::exp(Limits::infinity()) == Limits::infinity());
  CHECK(fast::exp(Limits::max()) == Limits::infinity());
  CHECK(fast::exp(Scalar(0)) == 1);
}

TEST_CASE("fast::exp_nonpositive is exp where that is a normal number, and 0 below") {
  double const least = std::log(static_cast<double>(Limits::min()));
  auto const f = [](Scalar x) { return fast::exp_nonpositive(x); };
  auto const exact = [](long double x) { return std::exp(x); };
  CHECK(largest_error(f, exact, 0.9999 * least, 0) < 1.5);
  CHECK(f(Scalar(1.0001 * least)) == 0);
  CHECK(f(-Limits::infinity()) == 0);
  CHECK(f(Scalar(0)) == 1);
  CHECK(std::isnan(f(Limits::quiet_NaN())));
}

TEST_CASE("fast::tanh, sigmoid and erf are within 3 ulp") {
  for (double const range : {1e-6, 0.1, 1.0, 6.0, 30.0}) {
    CAPTURE(range);
    CHECK(largest_error(KYRTOS_BOTH(tanh), -range, range) < 3);
    CHECK(largest_error(KYRTOS_BOTH(erf), -range, range) < 3);
    CHECK(largest_error([](Scalar x) { return fast::erf(x, fast::exp_nonpositive(-x * x)); },
                        [](long double x) { return std::erf(x); }, -range, range) < 3);
    CHECK(largest_error([](Scalar x) { return fast::sigmoid(x); }, exact_sigmoid, -range, range) <
          3);
  }
}

TEST_CASE("fast::log is within 2 ulp for positive normal numbers") {
  CHECK(largest_error(KYRTOS_BOTH(log), 1e-9, 1) < 2);
  CHECK(largest_error(KYRTOS_BOTH(log), 1 - 1e-3, 1 + 1e-3) < 2);
  CHECK(largest_error(KYRTOS_BOTH(log), 1, 1e9) < 2);
  CHECK(largest_error([](Scalar x) { return fast::log(fast::exp(x)); },
                      [](long double x) {
                        return std::log(
                            static_cast<long double>(fast::exp(static_cast<Scalar>(x))));
                      },
                      0.99 * std::log(static_cast<double>(Limits::min())),
                      0.99 * std::log(static_cast<double>(Limits::max()))) < 2);
  CHECK(fast::log(Scalar(1)) == 0);
}

TEST_CASE("fast::cos_turn errs by at most 1.5 spacings of 1") {
  long double const turn = 8 * std::atan(1.0L);
  double worst = 0;
  for (int i = 0; i <= 200'000; ++i) {
    auto const t = static_cast<Scalar>(i / 200'000.0);
    auto const exact = std::cos(turn * static_cast<long double>(t));
    worst = std::max(
        worst, static_cast<double>(std::fabs(static_cast<long double>(fast::cos_turn(t)) - exact)));
  }
  CHECK(worst < 1.5 * static_cast<double>(Limits::epsilon()));
  CHECK(fast::cos_turn(Scalar(0.25)) == 0);
}

TEST_CASE("fast functions saturate exactly and are odd") {
  for (Scalar const x : {Scalar(30), Limits::max(), Limits::infinity()}) {
    CHECK(fast::tanh(x) == 1);
    CHECK(fast::tanh(-x) == -1);
    CHECK(fast::erf(x) == 1);
    CHECK(fast::erf(-x) == -1);
  }
  CHECK(fast::sigmoid(Limits::infinity()) == 1);
  CHECK(fast::sigmoid(-Limits::infinity()) == 0);
  CHECK(fast::tanh(Scalar(0)) == 0);
  CHECK(fast::erf(Limits::denorm_min()) > 0);
}

TEST_CASE("fast functions hand NaN on") {
  auto const nan = Limits::quiet_NaN();
  CHECK(std::isnan(fast::exp(nan)));
  CHECK(std::isnan(fast::tanh(nan)));
  CHECK(std::isnan(fast::erf(nan)));
  CHECK(std::isnan(fast::sigmoid(nan)));
}

#undef KYRTOS_BOTH

}  // namespace kyrtos::test::fast_math
