// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/bf16_products.hpp>

#include "../reference/matrix_product.hpp"
#include "../support/bf16.hpp"
#include "../support/kokkos_watch.hpp"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

// Products of factors in bfloat16: exact where the factors are bfloat16 numbers, else wrong by what
// rounding them costs; the same bits and no new memory the second time.

namespace kyrtos::testing::bf16_products {

using linalg::Transpose;
using reference::HostMatrix;

struct Case {
  std::size_t m, n, k;
  Transpose a_op, b_op;
  double alpha, beta;
};

/// op(it) = [rows, columns].
inline HostMatrix matrix(std::size_t rows, std::size_t columns, Transpose op, Numbers values) {
  bool const transposed = op == Transpose::yes;
  return {transposed ? columns : rows, transposed ? rows : columns, std::move(values), transposed};
}

inline Numbers multiply(Context<Space> const& context, Case const& c, HostMatrix const& a,
                        HostMatrix const& b, HostMatrix const& start) {
  auto const a_memory = on_device<float>(a.values), b_memory = on_device<float>(b.values),
             c_memory = on_device<float>(start.values);
  auto const stored = [](auto const& memory, HostMatrix const& m) {
    return as_matrix(memory, 0, static_cast<Index>(m.rows), static_cast<Index>(m.columns));
  };
  linalg::gemm<float, Space>(context, c.a_op, c.b_op, static_cast<float>(c.alpha),
                             stored(a_memory, a), stored(b_memory, b), static_cast<float>(c.beta),
                             stored(c_memory, start));
  context.fence("test");
  return on_host(c_memory);
}

inline std::vector<Case> cases() {
  struct Extents {
    std::size_t m, n, k;
  };
  std::vector<Case> all;
  for (auto const& e : {Extents{1, 1, 1}, Extents{1, 7, 5}, Extents{17, 1, 3}, Extents{5, 3, 1},
                        Extents{33, 65, 129}, Extents{64, 48, 96}})
    for (auto const a_op : {Transpose::no, Transpose::yes})
      for (auto const b_op : {Transpose::no, Transpose::yes})
        for (auto const& [alpha, beta] : {std::pair(1.0, 0.0), {1.0, 1.0}, {-0.5, 2.0}, {0.0, 0.5}})
          all.push_back({e.m, e.n, e.k, a_op, b_op, alpha, beta});
  return all;
}

/// With u the unit roundoff of bfloat16 and v that of float32: both factors are rounded, then k
/// products are added (Higham, Accuracy and Stability, section 3.5).
inline double relative_bound(std::size_t k) {
  constexpr double u = 1.0 / 256, v = 0.5 * std::numeric_limits<float>::epsilon();
  return (2 * u + u * u) + (1 + 3 * u) * static_cast<double>(k + 3) * v;
}

TEST_CASE("bf16: the error is that of rounded factors", "[bf16]") {
  auto const context = with_bf16_or_skip(Context<Space>(MPI_COMM_SELF));
  for (auto const& c : cases()) {
    auto const a = matrix(c.m, c.k, c.a_op, random_numbers<float>(c.m * c.k, 1));
    auto const b = matrix(c.k, c.n, c.b_op, random_numbers<float>(c.k * c.n, 2));
    auto start = matrix(c.m, c.n, Transpose::no, random_numbers<float>(c.m * c.n, 3));
    if (c.beta == 0) start.values.assign(c.m * c.n, std::nan(""));
    auto const found = multiply(context, c, a, b, start);
    reference::MatrixProduct const expected(c.alpha, a, b, c.beta, start);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!(std::abs(found[i] - expected.value[i]) <= relative_bound(c.k) * expected.magnitude[i]))
        ++wrong;
    INFO("[" << c.m << ", " << c.k << "]·[" << c.k << ", " << c.n << "], alpha " << c.alpha);
    CHECK(wrong == 0);
    CHECK(multiply(context, c, a, b, start) == found);  // bit by bit
  }
}

TEST_CASE("bf16: products of bfloat16 numbers are exact", "[bf16]") {
  auto const context = with_bf16_or_skip(Context<Space>(MPI_COMM_SELF));
  // Integers of 8 bits, whose sums stay below 2²⁴.
  auto const integers = [](std::size_t count, std::uint64_t seed) {
    Numbers values;
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(static_cast<double>(Philox{seed, 3}.bits(i) % 511) - 255);
    return values;
  };
  for (auto const& c : cases()) {
    auto const a = matrix(c.m, c.k, c.a_op, integers(c.m * c.k, 1));
    auto const b = matrix(c.k, c.n, c.b_op, integers(c.k * c.n, 2));
    auto const start = matrix(c.m, c.n, Transpose::no, integers(c.m * c.n, 3));
    CHECK(multiply(context, c, a, b, start) ==
          reference::MatrixProduct(c.alpha, a, b, c.beta, start).value);
  }
}

TEST_CASE("bf16: factors are rounded to the nearest, ties to even", "[bf16]") {
  auto const context = with_bf16_or_skip(Context<Space>(MPI_COMM_SELF));
  auto const rounded = [&](double x) {
    HostMatrix const a{1, 1, {x}}, one{1, 1, {1.0}};
    return multiply(context, {1, 1, 1, Transpose::no, Transpose::no, 1, 0}, a, one, a).front();
  };
  double const step = 1.0 / 128;  // of bfloat16 numbers from 1 on
  CHECK(rounded(1 + 0.49 * step) == 1);
  CHECK(rounded(1 + 0.5 * step) == 1);
  CHECK(rounded(1 + 0.51 * step) == 1 + step);
  CHECK(rounded(1 + 1.5 * step) == 1 + 2 * step);
  CHECK(rounded(-1 - 1.5 * step) == -1 - 2 * step);
  CHECK(std::isinf(rounded(std::numeric_limits<float>::max())));
  CHECK(std::isinf(rounded(-std::numeric_limits<double>::infinity())));
  CHECK(std::isnan(rounded(std::nan(""))));
  CHECK(std::isnan(rounded(static_cast<double>(std::bit_cast<float>(0x7fffffffu)))));
}

TEST_CASE("bf16: a product of a known shape allocates nothing", "[bf16]") {
  auto const context = with_bf16_or_skip(Context<Space>(MPI_COMM_SELF));
  auto const a = on_device<float>(random_numbers<float>(64 * 64, 1));
  Vector<float, Space> const c("test::c", a.size());
  auto const product = [&](Index n) {
    auto const square = [&](auto const& v) { return as_matrix(v, 0, n, n); };
    linalg::gemm<float, Space>(context, Transpose::no, Transpose::yes, 1, square(a), square(a), 0,
                               square(c));
  };
  CHECK(!KokkosWatch::during([&] { product(64); }).allocations.empty());
  CHECK(KokkosWatch::during([&] { product(64); }).allocations.empty());
}

TEST_CASE("bf16: where they are missing, that is said", "[bf16]") {
  using Products = linalg::Bf16Products<Space>;
  Context<Space> const context(MPI_COMM_SELF);
  if (Products::missing().empty())
    CHECK_NOTHROW(Products(context));
  else
    CHECK_THROWS_AS(Products(context), ConfigError);
  CHECK(context.products() == nullptr);
}

}  // namespace kyrtos::testing::bf16_products
