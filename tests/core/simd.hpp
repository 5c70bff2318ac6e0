// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/fast_math.hpp>
#include <kyrtos/core/simd.hpp>

#include <algorithm>
#include <array>
#include <catch2/catch_template_test_macros.hpp>
#include <cmath>
#include <cstddef>
#include <limits>

namespace kyrtos::test::simd {

using Scalar = KYRTOS_TEST_SCALAR;
using kyrtos::simd::element_aligned;
using kyrtos::simd::native_width;

/// Vectors of a whole register, and of one lane as on devices.
template <int width>
using Vector = kyrtos::simd::Vector<Scalar, width>;
#define KYRTOS_WIDTHS Vector<native_width<Scalar>>, Vector<1>

template <class V>
V numbers(double first, double step) {
  return V([&](int lane) { return static_cast<Scalar>(first + step * lane); });
}

TEMPLATE_TEST_CASE("a vector's operators work lane by lane", "[simd]", KYRTOS_WIDTHS) {
  auto const a = numbers<TestType>(1.25, 0.5), b = numbers<TestType>(4, -0.75);
  TestType accumulated = a;
  accumulated += b;
  for (int lane = 0; lane < TestType::size(); ++lane) {
    CAPTURE(lane);
    Scalar const x = a[lane], y = b[lane];
    CHECK((a + b)[lane] == x + y);
    CHECK(accumulated[lane] == x + y);
    CHECK((a - b)[lane] == x - y);
    CHECK((a * b)[lane] == x * y);
    CHECK((a / b)[lane] == x / y);
    CHECK((2 * a)[lane] == 2 * x);
    CHECK((-a)[lane] == -x);
    CHECK(max(a, b)[lane] == std::max(x, y));
    CHECK(multiply_add(a, b, TestType(3))[lane] == x * y + 3);  // exact in these numbers
    CHECK(condition(a < b, a, b)[lane] == (x < y ? x : y));
    CHECK(condition(a > Scalar(1.5) && b >= Scalar(3.25), a, b)[lane] ==
          (x > Scalar(1.5) && y >= Scalar(3.25) ? x : y));
  }
}

TEMPLATE_TEST_CASE("a vector is read and written at any element", "[simd]", KYRTOS_WIDTHS) {
  constexpr auto width = static_cast<std::size_t>(TestType::size());
  std::array<Scalar, width + 2> memory{};
  for (std::size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<Scalar>(i);
  auto const v = kyrtos::simd::load<TestType>(memory.data() + 1);
  for (int lane = 0; lane < TestType::size(); ++lane)
    CHECK(v[lane] == static_cast<Scalar>(lane + 1));
  (v + v).copy_to(memory.data() + 1, element_aligned);
  CHECK(memory.front() == 0);
  for (std::size_t i = 1; i <= width; ++i) CHECK(memory[i] == static_cast<Scalar>(2 * i));
  CHECK(memory.back() == static_cast<Scalar>(width + 1));
}

TEMPLATE_TEST_CASE("two vectors are interleaved half by half", "[simd]", Vector<2>,
                   Vector<native_width<Scalar>>) {
  auto const a = numbers<TestType>(0, 1), b = numbers<TestType>(100, 1);
  for (int lane = 0; lane < TestType::size(); ++lane) {
    CAPTURE(lane);
    int const from = lane / 2, upper = TestType::size() / 2;
    CHECK(interleave_low(a, b)[lane] == (lane % 2 == 0 ? a : b)[from]);
    CHECK(interleave_high(a, b)[lane] == (lane % 2 == 0 ? a : b)[upper + from]);
  }
}

TEST_CASE("the same value in each lane keeps its sign, its infinity and its NaN", "[simd]") {
  using V = Vector<native_width<Scalar>>;
  CHECK(std::signbit(V(Scalar(-0.0))[0]));
  CHECK(V(std::numeric_limits<Scalar>::infinity())[1] == std::numeric_limits<Scalar>::infinity());
  CHECK(std::isnan(V(std::numeric_limits<Scalar>::quiet_NaN())[1]));
}

/// Whether f(vector) is f(number) in each lane, up to the errors of both: what is fused is the
/// compiler's choice.
template <class F>
bool agrees(F const& f, double begin, double end) {
  using V = Vector<native_width<Scalar>>;
  constexpr int points = 10'000;
  for (int i = 0; i < points; ++i) {
    auto const x = numbers<V>(begin + (end - begin) * i / points, 0.37);
    auto const y = f(x);
    for (int lane = 0; lane < V::size(); ++lane) {
      Scalar const expected = f(x[lane]);
      auto const spacing = std::numeric_limits<Scalar>::epsilon() * std::fabs(expected);
      if (!(std::fabs(y[lane] - expected) <= 6 * spacing)) return false;
    }
  }
  return true;
}

TEST_CASE("fast functions of a vector are those of its lanes", "[simd]") {
  CHECK(agrees([](auto x) { return fast::exp(x); }, -80, 80));
  CHECK(agrees([](auto x) { return fast::exp_nonpositive(x); }, -80, -6));
  CHECK(agrees([](auto x) { return fast::tanh(x); }, -12, 12));
  CHECK(agrees([](auto x) { return fast::sigmoid(x); }, -30, 30));
  CHECK(agrees([](auto x) { return fast::erf(x); }, -6, 6));
  using V = Vector<native_width<Scalar>>;
  constexpr auto infinity = std::numeric_limits<Scalar>::infinity();
  CHECK(fast::exp_nonpositive(V(-infinity))[0] == 0);
  CHECK(fast::exp(V(infinity))[0] == infinity);
  CHECK(std::isnan(fast::exp(V(std::numeric_limits<Scalar>::quiet_NaN()))[0]));
}

#undef KYRTOS_WIDTHS

}  // namespace kyrtos::test::simd
