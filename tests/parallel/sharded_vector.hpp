// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/detail/vector_set.hpp>
#include <kyrtos/parallel/sharded_source.hpp>
#include <kyrtos/parallel/sharded_sum.hpp>

#include "../support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

// What is gathered and summed part by part is what lies on all ranks.

namespace kyrtos::testing::sharded_vector {

using Scalar = KYRTOS_TEST_SCALAR;
using Order = parallel::ReductionOptions::Order;
using Ranges = std::vector<Partition::Range>;

inline Ranges const parts{{0, 50}, {50, 12}, {62, 17}, {79, 12}, {91, 17}, {108, 3}};
constexpr Index size = 111;

inline Partition partition_over(Communicator const& ranks) {
  return {parts, ranks.rank(), ranks.size()};
}

/// This rank's slices of a whole vector; the padding is NaN.
inline Vector<Scalar, Space> slices_of_whole(Partition const& partition, Numbers const& whole) {
  Numbers local(static_cast<std::size_t>(partition.local_size()),
                std::numeric_limits<double>::quiet_NaN());
  for (auto const& slice : partition.slices({0, size}))
    std::copy_n(whole.begin() + slice.offset, slice.size, local.begin() + slice.local);
  return on_device<Scalar>(local);
}

inline Numbers part_of_whole(Numbers const& whole, Partition::Range range) {
  return {whole.begin() + range.offset, whole.begin() + range.offset + range.size};
}

TEST_CASE("parts are gathered in any order, and again when the vector has changed",
          "[sharded_vector]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const partition = partition_over(context.communicator());
  parallel::ShardedSource<Scalar, Space> source(context, partition);
  CHECK(source.size() == size);
  // Passes to and fro, a part twice, a part within a part, a step left out on the second round.
  Ranges const order{parts[0], parts[1], parts[1], {64, 5},  parts[2], parts[3], parts[4], parts[5],
                     parts[0], parts[5], parts[4], parts[3], parts[2], parts[1], parts[0]};
  for (std::uint64_t round = 0; round < 4; ++round) {
    auto const whole = random_numbers<Scalar>(static_cast<std::size_t>(size), 7 + round);
    auto const local = slices_of_whole(partition, whole);
    source.begin(local);
    for (std::size_t i = 0; i < order.size(); ++i) {
      if (round == 2 && i == 5) continue;
      CHECK(on_host(source.gather(order[i])) == part_of_whole(whole, order[i]));
    }
  }
}

TEST_CASE("what ranks add to parts ends as the sum on those that own it", "[sharded_vector]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const partition = partition_over(context.communicator());
  auto const& ranks = context.communicator();
  auto const order = GENERATE(Order::library, Order::ordered);
  parallel::ShardedSum<Scalar, Space> sum(context, partition, {.order = order});
  auto const local =
      on_device<Scalar>(Numbers(static_cast<std::size_t>(partition.local_size()), 5.0));
  auto const of_rank = [&](int rank, int pass) {
    return random_numbers<Scalar>(static_cast<std::size_t>(size),
                                  100 + static_cast<std::uint64_t>(10 * rank + pass));
  };
  sum.begin(local);
  for (int pass = 0; pass < 2; ++pass) {
    auto const own = of_rank(ranks.rank(), pass);
    auto const sink = sum.sink(pass == 1);
    auto const add = [&](Partition::Range range, double share) {
      Numbers scaled = part_of_whole(own, range);
      for (double& x : scaled) x *= share;
      linalg::axpy(context, 1, on_device<Scalar>(scaled), sink.part(range));
    };
    add(parts[0], 0.5);  // open from the first to the last, as tied embeddings are
    for (std::size_t p : {5, 4, 3, 2, 1}) {
      if (p == 3) continue;  // an inactive block
      add(parts[p], 1);
      sink.final_from(parts[p].offset);
    }
    add(parts[0], 0.5);
    sink.final_from(0);
  }
  sum.finish();
  Numbers wanted(static_cast<std::size_t>(size), 0.0);
  for (int rank = 0; rank < ranks.size(); ++rank)
    for (int pass = 0; pass < 2; ++pass) {
      auto const v = of_rank(rank, pass);
      for (std::size_t i = 0; i < v.size(); ++i) wanted[i] += v[i];
    }
  std::fill_n(wanted.begin() + parts[3].offset, parts[3].size, 0.0);
  auto const found = on_host(local);
  for (auto const& slice : partition.slices({0, size}))
    CHECK(near({found.begin() + slice.local, found.begin() + slice.local + slice.size},
               part_of_whole(wanted, {slice.offset, slice.size}), 4 * rounding<Scalar>()));
}

TEST_CASE("sums over sharded vectors are those over whole ones", "[sharded_vector]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const partition = partition_over(context.communicator());
  Context<Space> const plain(MPI_COMM_SELF);
  auto const whole = on_device<Scalar>(Numbers(static_cast<std::size_t>(size), 0.0));
  auto const local =
      on_device<Scalar>(Numbers(static_cast<std::size_t>(partition.local_size()), 9.0));
  Philox const random{1, 2};
  curvature::detail::fill_normal(plain, whole, random, 1000);
  DistributedView<Scalar, Space> const split(local, partition);
  curvature::detail::fill_normal(context, split, random, 1000);
  auto const exact = on_host(whole), found = on_host(local);
  for (auto const& slice : partition.slices({0, size}))
    CHECK(Numbers(found.begin() + slice.local, found.begin() + slice.local + slice.size) ==
          part_of_whole(exact, {slice.offset, slice.size}));
  double const norm = linalg::norm(plain, whole);
  CHECK(std::fabs(linalg::norm(context, split) / norm - 1) < 10 * rounding<Scalar>());
}

}  // namespace kyrtos::testing::sharded_vector
