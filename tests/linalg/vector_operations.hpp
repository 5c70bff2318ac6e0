// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/vector_operations.hpp>

#include "../support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>
#include <vector>

namespace kyrtos::testing::vector_operations {

using Scalar = KYRTOS_TEST_SCALAR;
using View = Vector<Scalar, Space>;

/// From empty, through one short chunk, to chunks that do not divide evenly.
inline std::vector<std::size_t> const sizes{0, 1, 7, 8, 1023, 1024, 1025, 4097, 100'003};

inline Context<Space> context() {
  return Context<Space>(MPI_COMM_SELF);
}

/// f(xᵢ, yᵢ) for all i, rounded to Scalar.
template <class F>
Numbers each(Numbers const& x, Numbers const& y, F const& f) {
  Numbers result(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) result[i] = f(x[i], y[i]);
  return result;
}

TEST_CASE("sum, dot and norm are the plain sums, to the rounding of doubles", "[linalg]") {
  auto const c = context();
  for (auto const n : sizes) {
    CAPTURE(n);
    auto const x = random_numbers<Scalar>(n, 1), y = random_numbers<Scalar>(n, 2);
    auto const dx = on_device<Scalar>(x), dy = on_device<Scalar>(y);
    double total = 0, magnitude = 0;
    for (double const v : x) {
      total += v;
      magnitude += std::abs(v);
    }
    // Products and sums are taken in double whatever Scalar is.
    double const rounding = static_cast<double>(n) * std::numeric_limits<double>::epsilon();
    CHECK(std::abs(linalg::sum(c, dx) - total) <= rounding * magnitude);
    CHECK(std::abs(linalg::dot(c, dx, dy) - dot(x, y)) <= rounding * norm(x) * norm(y));
    CHECK(std::abs(linalg::norm(c, dx) - norm(x)) <= rounding * norm(x));
  }
}

TEST_CASE("reductions repeat to the bit, wherever the vector lies", "[linalg]") {
  auto const c = context();
  std::size_t const n = 100'003;
  auto x = random_numbers<Scalar>(n, 1);
  auto const first = on_device<Scalar>(x);
  double const expected = linalg::dot(c, first, first);
  for (int repeat = 0; repeat < 5; ++repeat) CHECK(linalg::dot(c, first, first) == expected);
  x.insert(x.begin(), {1.0, 2.0, 3.0});
  auto const moved = slice(on_device<Scalar>(x), 3, static_cast<Index>(n));
  auto const keep = on_device<Scalar>(x);
  auto const elsewhere = slice(keep, 3, static_cast<Index>(n));
  CHECK(linalg::dot(c, elsewhere, elsewhere) == expected);
}

TEST_CASE("a sum over more chunks than the reduction buffer holds misses none", "[linalg]") {
  auto const c = context();
  Index const n = Context<Space>::reduction_buffer_size * 1024 + 12'345;
  Vector<float, Space> const ones("test::ones", static_cast<std::size_t>(n));
  linalg::fill(c, ones, 1);
  CHECK(linalg::sum(c, ones) == static_cast<double>(n));
}

TEST_CASE("axpby, axpy, scale and multiply are elementwise", "[linalg]") {
  auto const c = context();
  double const tolerance = 2 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
  for (auto const n : sizes) {
    CAPTURE(n);
    auto const x = random_numbers<Scalar>(n, 1), y = random_numbers<Scalar>(n, 2);
    auto const dx = on_device<Scalar>(x);
    auto const result = [&](auto const& operation) {
      auto const dy = on_device<Scalar>(y);
      operation(dy);
      return on_host(dy);
    };
    CHECK(near(result([&](View v) { linalg::axpby(c, 0.5, dx, -1.5, v); }),
               each(x, y, [](double a, double b) { return 0.5 * a - 1.5 * b; }), tolerance));
    CHECK(near(result([&](View v) { linalg::axpy(c, -2, dx, v); }),
               each(x, y, [](double a, double b) { return b - 2 * a; }), tolerance));
    CHECK(result([&](View v) { linalg::scale(c, 0.25, v); }) ==
          each(x, y, [](double, double b) { return 0.25 * b; }));
    CHECK(near(result([&](View v) { linalg::multiply(c, dx, v, v); }),
               each(x, y, [](double a, double b) { return a * b; }), tolerance));
    CHECK(result([&](View v) { linalg::copy(c, dx, v); }) == x);
  }
}

TEST_CASE("axpby with beta = 0 does not read what was there", "[linalg]") {
  auto const x = random_numbers<Scalar>(37, 1);
  auto const y = on_device<Scalar>(Numbers(37, std::nan("")));
  linalg::axpby(context(), 1, on_device<Scalar>(x), 0, y);
  CHECK(on_host(y) == x);
}

TEST_CASE("copy rounds between precisions", "[linalg]") {
  auto const c = context();
  auto const x = random_numbers<double>(37, 1);
  auto const y = on_device<Scalar>(Numbers(37, 0.0));
  auto const wide = on_device<double>(x);
  linalg::copy(c, wide, y);
  CHECK(on_host(y) ==
        each(x, x, [](double a, double) { return static_cast<double>(static_cast<Scalar>(a)); }));
}

TEST_CASE("vectors of different sizes are refused", "[linalg]") {
  auto const c = context();
  View const x("test::x", 3), y("test::y", 4);
  CHECK_THROWS_AS(linalg::dot(c, x, y), ShapeError);
  CHECK_THROWS_AS(linalg::axpby(c, 1, x, 1, y), ShapeError);
  CHECK_THROWS_AS(linalg::copy(c, x, y), ShapeError);
  CHECK_THROWS_AS(linalg::multiply(c, x, x, y), ShapeError);
  CHECK_THROWS_AS(linalg::multiply(c, x, y, y), ShapeError);
}

}  // namespace kyrtos::testing::vector_operations
