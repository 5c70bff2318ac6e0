// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/bucketed_sum.hpp>

#include "../support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

// Sums over ranks in buckets: the plain sum, whatever the buckets and whoever announces what when.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;
using Order = parallel::ReductionOptions::Order;

inline Numbers of_rank(int rank, std::size_t n) {
  return random_numbers<Scalar>(n, 100 + static_cast<std::uint64_t>(rank));
}

/// Σ over ranks, added from the first to the last in Scalar.
inline Numbers ordered_sum(int ranks, std::size_t n) {
  Numbers sum = of_rank(0, n);
  for (int r = 1; r < ranks; ++r) {
    Numbers const v = of_rank(r, n);
    for (std::size_t i = 0; i < n; ++i)
      sum[i] = static_cast<double>(static_cast<Scalar>(sum[i]) + static_cast<Scalar>(v[i]));
  }
  return sum;
}

TEST_CASE("buckets add up to the sum over ranks", "[bucketed_sum]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const& ranks = context.communicator();
  auto const order = GENERATE(Order::library, Order::ordered);
  auto const bucket_bytes = GENERATE(Index{40}, Index{4000}, Index{1} << 30);
  for (Index const n : {1, 7, 1000, 1003}) {
    auto const size = static_cast<std::size_t>(n);
    parallel::BucketedSum<Scalar, Space> sum(context, n, {order, bucket_bytes});
    for (int repeat = 0; repeat < 2; ++repeat) {
      auto const v = on_device<Scalar>(Numbers(size, 3.0));
      sum.begin(v);  // from zero
      linalg::axpy(context, 1, on_device<Scalar>(of_rank(ranks.rank(), size)), v);
      if (ranks.rank() % 2 == 0)  // the others have nothing to announce
        for (Index first : {n, n - n / 3, n / 2, n / 2 - n / 5}) sum.final_from(first);
      sum.finish();
      auto const found = on_host(v);
      CHECK(near(found, ordered_sum(ranks.size(), size), rounding<Scalar>()));
      if (order == Order::ordered) CHECK(found == ordered_sum(ranks.size(), size));
    }
  }
}

TEST_CASE("a bucket leaves only when all of it is final", "[bucketed_sum]") {
  Context<Space> const context(MPI_COMM_WORLD);
  Index const n = 1000;
  parallel::BucketedSum<Scalar, Space> sum(
      context, n, {.bucket_bytes = 100 * static_cast<Index>(sizeof(Scalar))});
  auto const v = on_device<Scalar>(Numbers(1000, 0.0));
  sum.begin(v);
  linalg::fill(context, v, 1);
  sum.final_from(850);  // [900, 1000) may leave, [800, 900) not
  Kokkos::deep_copy(Kokkos::subview(v, std::pair(0, 850)), Scalar(2));
  sum.finish();
  Numbers wanted(1000, 1.0 * context.communicator().size());
  std::fill_n(wanted.begin(), 850, 2.0 * context.communicator().size());
  CHECK(on_host(v) == wanted);
}

TEST_CASE("a vector of another size is refused", "[bucketed_sum]") {
  Context<Space> const context(MPI_COMM_WORLD);
  parallel::BucketedSum<Scalar, Space> sum(context, 10);
  CHECK_THROWS_AS(sum.begin(on_device<Scalar>(Numbers(9, 0.0))), ShapeError);
}

}  // namespace kyrtos::testing
