// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/rounded_products.hpp>

#include "../reference/matrix_product.hpp"
#include "../support/kokkos_watch.hpp"
#include "../support/rounded_products.hpp"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>
#include <limits>

// Products of rounded factors: exact where the factors are numbers of the format, else wrong by
// what rounding them costs; the same bits and no new memory the second time.

namespace kyrtos::testing::rounded_products {

using linalg::FactorFormat;
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

/// With u the unit roundoff of the format and v that of float32: both factors are rounded, then k
/// products are added (Higham, Accuracy and Stability, section 3.5).
inline double relative_bound(FactorFormat format, std::size_t k) {
  double const u = unit_roundoff(format), v = 0.5 * std::numeric_limits<float>::epsilon();
  return (2 * u + u * u) + (1 + 3 * u) * static_cast<double>(k + 3) * v;
}

TEST_CASE("bfloat16 is available here", "[rounded]") {
  auto const missing = linalg::RoundedProducts<Space>::missing(FactorFormat::bfloat16);
  if (!missing.empty()) SKIP(missing);
  SUCCEED();
}

TEST_CASE("the error is that of rounded factors", "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  auto const context = rounding_context(Context<Space>(MPI_COMM_SELF), format);
  for (auto const& c : cases()) {
    auto const a = matrix(c.m, c.k, c.a_op, random_numbers<float>(c.m * c.k, 1));
    auto const b = matrix(c.k, c.n, c.b_op, random_numbers<float>(c.k * c.n, 2));
    auto start = matrix(c.m, c.n, Transpose::no, random_numbers<float>(c.m * c.n, 3));
    if (c.beta == 0) start.values.assign(c.m * c.n, std::nan(""));
    auto const found = multiply(context, c, a, b, start);
    reference::MatrixProduct const expected(c.alpha, a, b, c.beta, start);
    std::size_t wrong = 0;
    for (std::size_t i = 0; i < found.size(); ++i)
      if (!(std::abs(found[i] - expected.value[i]) <=
            relative_bound(format, c.k) * expected.magnitude[i]))
        ++wrong;
    INFO("[" << c.m << ", " << c.k << "]·[" << c.k << ", " << c.n << "], alpha " << c.alpha);
    CHECK(wrong == 0);
    CHECK(multiply(context, c, a, b, start) == found);  // bit by bit
  }
}

TEST_CASE("products of numbers of the format are exact", "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  auto const context = rounding_context(Context<Space>(MPI_COMM_SELF), format);
  // Integers of 8 bits, or of 11 where one factor has few, whose sums stay below 2²⁴.
  auto const integers = [](std::size_t count, std::uint64_t seed, std::uint64_t largest) {
    Numbers values;
    for (std::size_t i = 0; i < count; ++i)
      values.push_back(static_cast<double>(Philox{seed, 3}.bits(i) % (2 * largest + 1)) -
                       static_cast<double>(largest));
    return values;
  };
  bool const is_tf32 = format == FactorFormat::tf32;
  std::uint64_t const largest_a = is_tf32 ? 2047 : 255, largest_b = is_tf32 ? 31 : 255;
  for (auto const& c : cases()) {
    auto const a = matrix(c.m, c.k, c.a_op, integers(c.m * c.k, 1, largest_a));
    auto const b = matrix(c.k, c.n, c.b_op, integers(c.k * c.n, 2, largest_b));
    auto const start = matrix(c.m, c.n, Transpose::no, integers(c.m * c.n, 3, 255));
    CHECK(multiply(context, c, a, b, start) ==
          reference::MatrixProduct(c.alpha, a, b, c.beta, start).value);
  }
}

TEST_CASE("factors are rounded to the nearest, ties to even", "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  auto const context = rounding_context(Context<Space>(MPI_COMM_SELF), format);
  auto const rounded = [&](double x) {
    HostMatrix const a{1, 1, {x}}, one{1, 1, {1.0}};
    return multiply(context, {1, 1, 1, Transpose::no, Transpose::no, 1, 0}, a, one, a).front();
  };
  double const step = 2 * unit_roundoff(format);  // of numbers from 1 on
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

TEST_CASE("a rounded product of a known shape allocates nothing", "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  auto const context = rounding_context(Context<Space>(MPI_COMM_SELF), format);
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

TEST_CASE("where rounded products are missing, that is said", "[rounded]") {
  using Products = linalg::RoundedProducts<Space>;
  auto const format = GENERATE(from_range(available_formats()));
  Context<Space> const context(MPI_COMM_SELF);
  if (Products::missing(format).empty())
    CHECK_NOTHROW(Products(context, format));
  else
    CHECK_THROWS_AS(Products(context, format), ConfigError);
  CHECK(context.products() == nullptr);
}

/// What was rounded before a matrix changed shows that it is not rounded again.
TEST_CASE("a kept factor is rounded once", "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  auto const context = rounding_context(Context<Space>(MPI_COMM_SELF), format);
  Index const m = 9, n = 5, k = 33;
  auto const a_memory = on_device<float>(random_numbers<float>(m * k, 1)),
             b_memory = on_device<float>(random_numbers<float>(k * n, 2)),
             other = on_device<float>(random_numbers<float>(m * k, 3));
  auto const a = as_matrix(a_memory, 0, m, k), b = as_matrix(b_memory, 0, k, n);
  auto const product = [&] {
    Vector<float, Space> const c("test::c", m * n);
    linalg::gemm<float, Space>(context, Transpose::no, Transpose::no, 1, a, b, 0,
                               as_matrix(c, 0, m, n));
    context.fence("test");
    return on_host(c);
  };
  auto const wanted = product();
  {
    linalg::KeptFactor<Space> const kept(context, linalg::KeptAs::input, a);
    CHECK(product() == wanted);
    CHECK_THROWS(linalg::KeptFactor<Space>(context, linalg::KeptAs::input, b));
    Kokkos::deep_copy(a_memory, other);
    CHECK(product() == wanted);
  }
  CHECK(product() != wanted);
}

/// Rounded elements of the wrong matrix, row or place would show in the product.
TEST_CASE("rows of a kept factor are kept, and the matrices of a kept vector", "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  auto const context = rounding_context(Context<Space>(MPI_COMM_SELF), format);
  Index const rows = 12, k = 16, n = 5, before = 7;
  auto const values = random_numbers<float>(static_cast<std::size_t>(before + rows * k), 1);
  auto const memory = on_device<float>(values),
             b_memory = on_device<float>(random_numbers<float>(k * n, 2)),
             other = on_device<float>(random_numbers<float>(values.size(), 3));
  auto const whole = as_matrix(memory, before, rows, k);
  auto const part = rows_of(whole, 4, 3);
  auto const product = [&] {
    Vector<float, Space> const c("test::c", 3 * n);
    linalg::gemm<float, Space>(context, Transpose::no, Transpose::no, 1, part,
                               as_matrix(b_memory, 0, k, n), 0, as_matrix(c, 0, 3, n));
    context.fence("test");
    return on_host(c);
  };
  auto const wanted = product();
  auto const is_kept = [&](auto const& kept) {
    (void)kept;
    CHECK(product() == wanted);
    Kokkos::deep_copy(memory, other);
    CHECK(product() == wanted);
    // Another matrix of a kind that lies there already needs no room.
    CHECK_NOTHROW(linalg::KeptFactor<Space>(context, linalg::KeptAs::all_weights, part));
    Kokkos::deep_copy(memory, on_device<float>(values));
  };
  is_kept(linalg::KeptFactor<Space>(context, linalg::KeptAs::input, whole));
  is_kept(linalg::KeptVector<Space>(context, linalg::KeptAs::all_weights, memory));
  Kokkos::deep_copy(memory, other);
  CHECK(product() != wanted);
}

TEST_CASE("a kept factor may be rounded by the caller", "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  auto const context = rounding_context(Context<Space>(MPI_COMM_SELF), format);
  Index const n = 4;
  auto const zeros = on_device<float>(Numbers(n * n, 0.0)),
             ones = on_device<float>(Numbers(n * n, 1.0));
  using Kept = linalg::KeptFactor<Space>;
  Kept const kept(context, linalg::KeptAs::input, as_matrix(zeros, 0, n, n), Kept::By::caller);
  auto const to = kept.rows();
  REQUIRE(to.data != nullptr);
  Kokkos::parallel_for(
      "test", Kokkos::RangePolicy<Space>(context.space(), 0, n * n),
      KOKKOS_LAMBDA(int i) { to.store(i / n, i % n, 3.0f); });
  Vector<float, Space> const c("test::c", n * n);
  linalg::gemm<float, Space>(context, Transpose::no, Transpose::no, 1, as_matrix(zeros, 0, n, n),
                             as_matrix(ones, 0, n, n), 0, as_matrix(c, 0, n, n));
  context.fence("test");
  CHECK(on_host(c) == Numbers(n * n, 12.0));
  CHECK(Kept(context, linalg::KeptAs::adjoint, as_matrix(zeros, 0, n, n), Kept::By::caller)
            .rows()
            .data == nullptr);
}

TEST_CASE("rows of C may be padded", "[rounded]") {
  auto formats = available_formats();
  Index const m = 9, n = 5, k = 33, stride = 8;
  auto const a_memory = on_device<float>(random_numbers<float>(m * k, 1)),
             b_memory = on_device<float>(random_numbers<float>(k * n, 2));
  auto const a = as_matrix(a_memory, 0, m, k), b = as_matrix(b_memory, 0, k, n);
  std::vector<Context<Space>> contexts{Context<Space>(MPI_COMM_SELF)};
  for (auto const format : formats) contexts.push_back(rounding_context(contexts[0], format));
  for (auto const& context : contexts)
    for (float const beta : {0.0f, 1.0f}) {
      auto const start = random_numbers<float>(m * stride, 4);
      auto const padded = on_device<float>(start);
      Vector<float, Space> const dense("test::c", m * n);
      auto const c = strided_matrix<float, Space>(padded.data(), m, n, stride);
      Kokkos::deep_copy(as_matrix(dense, 0, m, n), c);
      auto const multiply_into = [&](MatrixView<float, Space> const& target) {
        linalg::gemm<float, Space>(context, Transpose::no, Transpose::no, 1, a, b, beta, target);
      };
      multiply_into(c);
      multiply_into(as_matrix(dense, 0, m, n));
      context.fence("test");
      auto const found = on_host(padded), wanted = on_host(dense);
      for (Index i = 0; i < m; ++i)
        for (Index j = 0; j < stride; ++j) {
          auto const at = static_cast<std::size_t>(i * stride + j);
          CHECK(near(found[at], j < n ? wanted[static_cast<std::size_t>(i * n + j)] : start[at],
                     1e-5));
        }
    }
}

}  // namespace kyrtos::testing::rounded_products
