// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/gemm.hpp>

#include "../reference/matrix_product.hpp"
#include "../support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>
#include <type_traits>

// Matrix products against plain loops: every provider, transpose, α and β, down to empty extents.

namespace kyrtos::testing::gemm {

using Scalar = KYRTOS_TEST_SCALAR;
using linalg::GemmProvider;
using linalg::Transpose;
using reference::HostMatrix;

/// oneDNN multiplies float32 in host memory alone.
inline constexpr bool onednn_fits = std::is_same_v<Scalar, float> && compat::runs_on_host<Space>;

inline bool multiplies_scalar(GemmProvider provider) {
  for (auto const& info : linalg::gemm_providers())
    if (info.provider == provider)
      return info.available && (provider != GemmProvider::onednn || onednn_fits);
  return provider == GemmProvider::automatic;
}

inline std::vector<GemmProvider> providers() {
  std::vector<GemmProvider> all;
  for (auto const provider : {GemmProvider::automatic, GemmProvider::onednn, GemmProvider::cublaslt,
                              GemmProvider::rocblas, GemmProvider::kokkos_kernels})
    if (multiplies_scalar(provider)) all.push_back(provider);
  return all;
}

struct Case {
  std::size_t m, n, k;
  Transpose a_op, b_op;
  double alpha, beta;
};

/// A random matrix with op(it) = [rows, columns].
inline HostMatrix matrix(std::size_t rows, std::size_t columns, Transpose op, std::uint64_t seed) {
  bool const transposed = op == Transpose::yes;
  return {transposed ? columns : rows, transposed ? rows : columns,
          random_numbers<Scalar>(rows * columns, seed), transposed};
}

/// The matrix on the device, not at an aligned address, as segments of a flat vector rarely are.
inline auto stored(Vector<Scalar, Space> const& memory, HostMatrix const& m) {
  return as_matrix(memory, 1, static_cast<Index>(m.rows), static_cast<Index>(m.columns));
}
inline Vector<Scalar, Space> shifted(Numbers values) {
  values.insert(values.begin(), 0.0);
  return on_device<Scalar>(values);
}

inline Numbers multiply(GemmProvider provider, Case const& c, HostMatrix const& a,
                        HostMatrix const& b, HostMatrix const& start) {
  Context<Space> const context(MPI_COMM_SELF, {.gemm = provider});
  auto const a_memory = shifted(a.values), b_memory = shifted(b.values),
             c_memory = shifted(start.values);
  linalg::gemm<Scalar, Space>(context, c.a_op, c.b_op, static_cast<Scalar>(c.alpha),
                              stored(a_memory, a), stored(b_memory, b), static_cast<Scalar>(c.beta),
                              stored(c_memory, start));
  context.fence("test");
  auto values = on_host(c_memory);
  values.erase(values.begin());
  return values;
}

/// Any order of summation, with or without fused multiplication, errs in each element by at most
/// (k + 2)u times the sum of magnitudes (Higham, Accuracy and Stability, section 3.5); u = ε/2.
inline void check(GemmProvider provider, Case const& c) {
  INFO("provider " << static_cast<int>(provider) << ", [" << c.m << ", " << c.k << "]·[" << c.k
                   << ", " << c.n << "], transposes " << static_cast<int>(c.a_op)
                   << static_cast<int>(c.b_op) << ", alpha " << c.alpha << ", beta " << c.beta);
  auto const a = matrix(c.m, c.k, c.a_op, 1), b = matrix(c.k, c.n, c.b_op, 2);
  auto start = matrix(c.m, c.n, Transpose::no, 3);
  if (c.beta == 0) start.values.assign(c.m * c.n, std::nan(""));
  auto const found = multiply(provider, c, a, b, start);
  auto const expected = reference::MatrixProduct(c.alpha, a, b, c.beta, start);
  double const u = 0.5 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    double const bound = static_cast<double>(c.k + 3) * u * expected.magnitude[i];
    if (!(std::abs(found[i] - expected.value[i]) <= bound)) ++wrong;
  }
  CHECK(wrong == 0);
  CHECK(multiply(provider, c, a, b, start) == found);  // bit by bit
}

TEST_CASE("gemm: every provider computes what plain loops do", "[gemm]") {
  struct Extents {
    std::size_t m, n, k;
  };
  for (auto const provider : providers())
    for (auto const& e : {Extents{1, 1, 1}, Extents{1, 7, 5}, Extents{17, 1, 3}, Extents{5, 3, 1},
                          Extents{33, 65, 129}, Extents{64, 48, 96}})
      for (auto const a_op : {Transpose::no, Transpose::yes})
        for (auto const b_op : {Transpose::no, Transpose::yes}) {
          check(provider, {e.m, e.n, e.k, a_op, b_op, 1, 0});
          check(provider, {e.m, e.n, e.k, a_op, b_op, 1, 1});
          check(provider, {e.m, e.n, e.k, a_op, b_op, 1, 0.5});
          check(provider, {e.m, e.n, e.k, a_op, b_op, -0.5, 2});
        }
}

TEST_CASE("gemm: empty extents", "[gemm]") {
  for (auto const provider : providers())
    for (auto const b_op : {Transpose::no, Transpose::yes})
      for (double const beta : {0.0, 1.0, 0.5}) {
        check(provider, {0, 3, 2, Transpose::no, b_op, 1, beta});
        check(provider, {3, 0, 2, Transpose::no, b_op, 1, beta});
        check(provider, {3, 2, 0, Transpose::no, b_op, 1, beta});  // C ← βC
      }
}

TEST_CASE("gemm: extents that do not fit are refused by name", "[gemm]") {
  Context<Space> const context(MPI_COMM_SELF);
  Vector<Scalar, Space> const memory("test::gemm", 100);
  auto const a = as_matrix(memory, 0, 2, 3), b = as_matrix(memory, 10, 4, 5),
             c = as_matrix(memory, 40, 2, 5);
  CHECK_THROWS_AS(
      (linalg::gemm<Scalar, Space>(context, Transpose::no, Transpose::no, 1, a, b, 0, c)),
      ShapeError);
  CHECK_THROWS_WITH(
      (linalg::gemm<Scalar, Space>(context, Transpose::no, Transpose::yes, 1, a, b, 0, c)),
      Catch::Matchers::ContainsSubstring("[2, 3]") && Catch::Matchers::ContainsSubstring("[4, 5]"));
}

TEST_CASE("gemm: a provider that can't multiply these matrices says so", "[gemm]") {
  Vector<Scalar, Space> const memory("test::gemm", 3);
  auto const one = [&](Index i) { return as_matrix(memory, i, 1, 1); };
  for (auto const& info : linalg::gemm_providers()) {
    if (multiplies_scalar(info.provider)) continue;
    Context<Space> const context(MPI_COMM_SELF, {.gemm = info.provider});
    CHECK_THROWS_WITH((linalg::gemm<Scalar, Space>(context, Transpose::no, Transpose::no, 1, one(0),
                                                   one(1), 0, one(2))),
                      Catch::Matchers::ContainsSubstring(info.name));
  }
}

TEST_CASE("gemm: the portable provider is always there", "[gemm]") {
  CHECK(multiplies_scalar(GemmProvider::kokkos_kernels));
}

}  // namespace kyrtos::testing::gemm
