// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/gemm_batched.hpp>

#include "../reference/matrix_product.hpp"
#include "../support/rounded_products.hpp"

#include <bit>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>
#include <type_traits>

// Batches of matrix products against plain loops: every provider, transpose, α and β, padded rows,
// distances of matrices, one factor for all, factors in bfloat16; and what is not C stays as it is.

namespace kyrtos::testing::gemm_batched {

using Scalar = KYRTOS_TEST_SCALAR;
using linalg::Bfloat16;
using linalg::GemmProvider;
using linalg::MatrixBatch;
using linalg::Transpose;
using reference::HostMatrix;

/// Those that multiply matrices of this scalar, by what gemm() says to one product.
inline std::vector<GemmProvider> providers() {
  std::vector<GemmProvider> all;
  Vector<Scalar, Space> const memory("test::gemm", 3);
  auto const one = [&](Index i) { return as_matrix(memory, i, 1, 1); };
  for (auto const provider : {GemmProvider::automatic, GemmProvider::onednn, GemmProvider::cublaslt,
                              GemmProvider::rocblas, GemmProvider::kokkos_kernels}) {
    try {
      linalg::gemm<Scalar, Space>(Context<Space>(MPI_COMM_SELF, {.gemm = provider}), Transpose::no,
                                  Transpose::no, 1, one(0), one(1), 0, one(2));
      all.push_back(provider);
    } catch (ConfigError const&) {  // it is not in this build, or multiplies other scalars
    }
  }
  return all;
}

struct Case {
  Index count, m, n, k;
  Transpose a_op, b_op;
  double alpha, beta;
  Index padding = 0;      ///< Of rows, and between matrices.
  bool shares_b = false;  ///< One B for all products.
};

/// Stored matrices of a batch with numbers also in the padding.
struct HostBatch {
  Index rows, columns, row_stride, batch_stride;
  Numbers values;

  HostBatch(Index count, Index r, Index c, Index padding, std::uint64_t seed)
      : rows(r), columns(c), row_stride(c + padding), batch_stride(r * row_stride + 3 * padding) {
    values = random_numbers<float>(static_cast<std::size_t>(count * batch_stride), seed);
  }
  std::size_t at(Index b, Index i, Index j) const {
    return static_cast<std::size_t>(b * batch_stride + i * row_stride + j);
  }
  HostMatrix matrix(Index b, Transpose op) const {
    HostMatrix m{static_cast<std::size_t>(rows), static_cast<std::size_t>(columns), {}, false};
    m.transposed = op == Transpose::yes;
    for (Index i = 0; i < rows; ++i)
      for (Index j = 0; j < columns; ++j) m.values.push_back(values[at(b, i, j)]);
    return m;
  }
  template <class T>
  MatrixBatch<T, Space> on(Vector<std::remove_const_t<T>, Space> const& memory) const {
    return {memory, rows, columns, row_stride, batch_stride};
  }
};

/// op(it) = [rows, columns].
inline HostBatch factor(Index count, Transpose op, Index rows, Index columns, Index padding,
                        std::uint64_t seed) {
  if (op == Transpose::yes) std::swap(rows, columns);
  return {count, rows, columns, padding, seed};
}

/// The factors' numbers on the device, as `Factor`; rounded on the host too.
template <class Factor>
Vector<Factor, Space> factors_on_device(Numbers& values) {
  if constexpr (std::is_same_v<Factor, Bfloat16>) {
    Vector<Bfloat16, Space> memory("test::factors", values.size());
    auto const host = Kokkos::create_mirror_view(memory);
    for (std::size_t i = 0; i < values.size(); ++i) {
      host(i) = linalg::to_bfloat16(static_cast<float>(values[i]));
      values[i] = static_cast<double>(std::bit_cast<float>(std::uint32_t{host(i).bits} << 16));
    }
    Kokkos::deep_copy(memory, host);
    return memory;
  } else {
    return on_device<Factor>(values);
  }
}

/// As in tests/linalg/gemm.hpp: any order of summation errs by (k + 2)u times the sum of
/// magnitudes.
template <class Factor, class Result>
void check(Context<Space> const& context, Case const& c) {
  INFO(c.count << " of [" << c.m << ", " << c.k << "]·[" << c.k << ", " << c.n << "], transposes "
               << static_cast<int>(c.a_op) << static_cast<int>(c.b_op) << ", alpha " << c.alpha
               << ", beta " << c.beta << ", padding " << c.padding);
  auto a = factor(c.count, c.a_op, c.m, c.k, c.padding, 1);
  auto b = factor(c.shares_b ? 1 : c.count, c.b_op, c.k, c.n, c.padding, 2);
  if (c.shares_b) b.batch_stride = 0;
  HostBatch start(c.count, c.m, c.n, c.padding, 3);
  auto const a_memory = factors_on_device<Factor>(a.values);
  auto const b_memory = factors_on_device<Factor>(b.values);
  auto const multiply = [&] {
    auto values = start.values;
    for (Index p = 0; p < c.count && c.beta == 0; ++p)
      for (Index i = 0; i < c.m; ++i)
        for (Index j = 0; j < c.n; ++j) values[start.at(p, i, j)] = std::nan("");
    auto const c_memory = on_device<Result>(values);
    linalg::gemm_batched<Factor, Result, Space>(
        context, c.count, c.a_op, c.b_op, static_cast<Result>(c.alpha),
        a.template on<Factor const>(a_memory), b.template on<Factor const>(b_memory),
        static_cast<Result>(c.beta), start.template on<Result>(c_memory));
    context.fence("test");
    return on_host(c_memory);
  };
  auto const found = multiply();
  auto expected = start.values;
  Numbers magnitude(expected.size(), 0.0);
  for (Index p = 0; p < c.count; ++p) {
    reference::MatrixProduct const product(c.alpha, a.matrix(p, c.a_op), b.matrix(p, c.b_op),
                                           c.beta, start.matrix(p, Transpose::no));
    for (Index i = 0; i < c.m; ++i)
      for (Index j = 0; j < c.n; ++j) {
        auto const of_product = static_cast<std::size_t>(i * c.n + j);
        expected[start.at(p, i, j)] = product.value[of_product];
        magnitude[start.at(p, i, j)] = product.magnitude[of_product];
      }
  }
  double const u = 0.5 * static_cast<double>(std::numeric_limits<Result>::epsilon());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < found.size(); ++i)  // exact in the padding
    if (!(std::abs(found[i] - expected[i]) <= static_cast<double>(c.k + 3) * u * magnitude[i]))
      ++wrong;
  CHECK(wrong == 0);
  CHECK(multiply() == found);  // bit by bit
}

template <class Factor, class Result>
void check_all(Context<Space> const& context) {
  struct Extents {
    Index count, m, n, k;
  };
  for (auto const& e : {Extents{1, 1, 1, 1}, Extents{3, 1, 7, 5}, Extents{2, 17, 1, 3},
                        Extents{4, 5, 3, 1}, Extents{3, 33, 65, 40}, Extents{2, 64, 48, 96}})
    for (auto const a_op : {Transpose::no, Transpose::yes})
      for (auto const b_op : {Transpose::no, Transpose::yes})
        for (Index const padding : {0, 5}) {
          check<Factor, Result>(context, {e.count, e.m, e.n, e.k, a_op, b_op, 1, 0, padding});
          check<Factor, Result>(context, {e.count, e.m, e.n, e.k, a_op, b_op, 1, 1, padding});
          check<Factor, Result>(context, {e.count, e.m, e.n, e.k, a_op, b_op, -0.5, 2, padding});
        }
  check<Factor, Result>(context, {3, 7, 5, 6, Transpose::no, Transpose::yes, 1, 1, 2, true});
}

TEST_CASE("gemm_batched: every provider computes what plain loops do", "[gemm]") {
  for (auto const provider : providers()) {
    INFO("provider " << static_cast<int>(provider));
    check_all<Scalar, Scalar>(Context<Space>(MPI_COMM_SELF, {.gemm = provider}));
  }
}

TEST_CASE("gemm_batched: factors in bfloat16, or that they are missing", "[gemm]") {
  Context<Space> const context(MPI_COMM_SELF);
  auto const missing = linalg::RoundedProducts<Space>::missing(linalg::FactorFormat::bfloat16);
  Case const one{1, 1, 1, 1, Transpose::no, Transpose::no, 1, 0};
  if (missing.empty())
    check_all<Bfloat16, float>(context);
  else
    CHECK_THROWS_AS((check<Bfloat16, float>(context, one)), ConfigError);
}

/// They need not be rounded again, nor are they: numbers of TF32 with sums that fit are exact.
TEST_CASE("gemm_batched: factors that are numbers of TF32", "[gemm]") {
  auto const context = rounding_context(Context<Space>(MPI_COMM_SELF), linalg::FactorFormat::tf32);
  Numbers values(64);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>(i * 31 % 2047);
  auto const a = on_device<float>(values), b = on_device<float>(Numbers(64, 3.0)),
             c = on_device<float>(Numbers(16, std::nan("")));
  MatrixBatch<float, Space> const a_batch{a, 2, 16, 16, 32}, b_batch{b, 16, 2, 2, 32},
      c_batch{c, 2, 2, 2, 4};
  linalg::gemm_batched<float, float, Space>(context, 2, Transpose::no, Transpose::no, 1, a_batch,
                                            b_batch, 0, c_batch);
  auto const found = on_host(c);
  for (std::size_t row = 0; row < 4; ++row) {
    double sum = 0;
    for (std::size_t k = 0; k < 16; ++k) sum += 3 * values[row * 16 + k];
    CHECK(found[2 * row] == sum);
    CHECK(found[2 * row + 1] == sum);
  }
}

TEST_CASE("gemm_batched: empty extents", "[gemm]") {
  Context<Space> const context(MPI_COMM_SELF);
  for (double const beta : {0.0, 1.0, 0.5}) {
    check<Scalar, Scalar>(context, {0, 2, 3, 4, Transpose::no, Transpose::no, 1, beta});
    check<Scalar, Scalar>(context, {2, 0, 3, 4, Transpose::no, Transpose::no, 1, beta});
    check<Scalar, Scalar>(context, {2, 3, 0, 4, Transpose::no, Transpose::no, 1, beta});
    check<Scalar, Scalar>(context, {2, 3, 2, 0, Transpose::no, Transpose::no, 1, beta, 2});
  }
}

TEST_CASE("gemm_batched: extents and distances that do not fit are refused", "[gemm]") {
  Context<Space> const context(MPI_COMM_SELF);
  Vector<Scalar, Space> const memory("test::gemm", 24);
  using Batch = MatrixBatch<Scalar, Space>;
  auto const multiply = [&](Batch const& a, Batch const& b, Batch const& c) {
    linalg::gemm_batched<Scalar, Scalar, Space>(context, 2, Transpose::no, Transpose::no, 1, a, b,
                                                0, c);
  };
  Batch const square{memory, 2, 2, 2, 4}, wide{memory, 2, 3, 3, 6};
  CHECK_THROWS_WITH(multiply(wide, square, square),
                    Catch::Matchers::ContainsSubstring("[2, 3] times [2, 2]"));
  CHECK_THROWS_AS(multiply(square, square, Batch{memory, 2, 2, 2, 3}), ShapeError);
  CHECK_THROWS_AS(multiply(square, Batch{memory, 2, 2, 1, 4}, square), ShapeError);
  CHECK_THROWS_WITH(multiply(Batch{memory, 2, 2, 2, 22}, square, square),
                    Catch::Matchers::ContainsSubstring("24 values"));
}

}  // namespace kyrtos::testing::gemm_batched
