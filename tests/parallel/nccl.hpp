// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/nccl.hpp>
#include <kyrtos/parallel/rank_sum.hpp>
#include <kyrtos/parallel/sharded_source.hpp>

#include "../support/kokkos_watch.hpp"
#include "../support/nccl_stand_in.hpp"
#include "../support/numbers.hpp"
#include "../support/temporary_directory.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstring>

// Sums and gathers through NCCL, by the library that stands in for it: the numbers of MPI, started
// while the vector is still being computed, with no wait of the host and no copy.

namespace kyrtos::testing::nccl {

using Scalar = KYRTOS_TEST_SCALAR;
using Order = parallel::ReductionOptions::Order;
using Ranges = std::vector<Partition::Range>;

inline Ranges const parts{{0, 40}, {40, 12}, {52, 12}, {64, 35}};
constexpr Index size = 99;
constexpr int buckets = 10;
inline parallel::ReductionOptions const small_buckets{.bucket_bytes =
                                                          10 * static_cast<Index>(sizeof(Scalar))};

inline Partition split_over(Communicator const& ranks) {
  return {parts, ranks.rank(), ranks.size()};
}

inline Context<Space> by_nccl() {
#ifdef KYRTOS_DISTINCT_MEMORY
  stand_in().copy = [](void* to, void const* from, std::size_t bytes) {
    distinct::Opened const opened;
    std::memcpy(to, from, bytes);
  };
#endif
  return Context<Space>(MPI_COMM_WORLD, through_stand_in());
}

/// What a backward pass does with rank-dependent numbers; after_part(i) when part i is final.
template <class AfterPart>
void compute(Context<Space> const& context, parallel::RankSum<Scalar, Space>& sum, bool is_last,
             AfterPart const& after_part) {
  auto const sink = sum.sink(is_last);
  for (std::size_t i = parts.size(); i-- > 0;) {
    auto const numbers =
        random_numbers<Scalar>(static_cast<std::size_t>(parts[i].size),
                               static_cast<std::uint64_t>(10 * context.communicator().rank()) + i);
    linalg::axpy(context, 1, on_device<Scalar>(numbers), sink.part(parts[i]));
    sink.final_from(parts[i].offset);
    after_part(i);
  }
}

inline Vector<Scalar, Space> local_vector(Partition const& partition) {
  return on_device<Scalar>(Numbers(static_cast<std::size_t>(partition.local_size()), 7.0));
}

inline Numbers summed(Context<Space> const& context, Partition const& partition, Order order) {
  auto options = small_buckets;
  options.order = order;
  auto const sum = parallel::make_rank_sum<Scalar>(context, partition, options);
  auto const v = local_vector(partition);
  for (int repeat = 0; repeat < 2; ++repeat) {
    sum->begin(v);
    for (bool const is_last : {false, true}) compute(context, *sum, is_last, [](std::size_t) {});
    sum->finish();
  }
  return on_host(v);
}

TEST_CASE("sums through NCCL are those through MPI", "[nccl]") {
  auto const context = by_nccl();
  Context<Space> const plain(MPI_COMM_WORLD);
  auto const order = GENERATE(Order::library, Order::ordered);
  auto const split = split_over(context.communicator());
  for (Partition const& partition : {Partition(size), split}) {
    auto const& calls = fresh_stand_in();
    auto const found = summed(context, partition, order);
    int const of_nccl = order == Order::library ? 2 : 0;
    CHECK(calls.all_reduces == (partition.is_split() ? 0 : of_nccl * buckets));
    CHECK(calls.reduce_scatters ==
          (partition.is_split() ? of_nccl * 2 * static_cast<int>(parts.size()) : 0));
    CHECK(calls.done == calls.started());
    CHECK(found == summed(plain, partition, order));
    CHECK(calls.done == calls.started());
  }
  CHECK(parallel::carrier_of_vectors(context) == "nccl: " + stand_in_library() + " 2.23.4");
  CHECK(parallel::carrier_of_vectors(plain) == "mpi: kernels run on the host");
}

TEST_CASE("parts gathered through NCCL are those of all ranks", "[nccl]") {
  auto const context = by_nccl();
  auto const partition = split_over(context.communicator());
  auto const& calls = fresh_stand_in();
  parallel::ShardedSource<Scalar, Space> source(context, partition);
  for (std::uint64_t round = 0; round < 3; ++round) {
    auto const whole = random_numbers<Scalar>(static_cast<std::size_t>(size), 7 + round);
    Numbers own(static_cast<std::size_t>(partition.local_size()), 0.0);
    for (auto const& s : partition.slices({0, size}))
      std::copy_n(whole.begin() + s.offset, s.size, own.begin() + s.local);
    auto const local = on_device<Scalar>(own);
    source.begin(local);
    for (std::size_t const i : {0, 1, 2, 3, 3, 2, 1, 0})
      CHECK(on_host(source.gather(parts[i])) ==
            Numbers(whole.begin() + parts[i].offset,
                    whole.begin() + parts[i].offset + parts[i].size));
  }
  CHECK(calls.all_gathers > 0);
}

TEST_CASE("sums through NCCL start before the pass ends, and the host waits for no kernel",
          "[nccl]") {
  auto const context = by_nccl();
  auto const split = split_over(context.communicator());
  for (Partition const& partition : {Partition(size), split}) {
    auto const sum = parallel::make_rank_sum<Scalar>(context, partition, small_buckets);
    auto const v = local_vector(partition);
    auto const& calls = fresh_stand_in();
    std::vector<int> started, complete;
    auto const record = KokkosWatch::during([&] {
      sum->begin(v);
      compute(context, *sum, true, [&](std::size_t) { started.push_back(calls.started()); });
      sum->finish();
    });
    // Parts begin at 64, 52, 40 and 0; every tenth element begins a bucket.
    CHECK(started == (partition.is_split() ? std::vector{1, 2, 3, 4} : std::vector{3, 4, 6, 10}));
    auto const of_library = [](std::string const& label) { return label.starts_with("kyrtos::"); };
    CHECK(std::none_of(record.fences.begin(), record.fences.end(), of_library));
    CHECK(std::none_of(record.copies.begin(), record.copies.end(), of_library));
    CHECK(std::none_of(record.allocations.begin(), record.allocations.end(), of_library));
  }
}

TEST_CASE("through MPI the host waits whenever a bucket leaves", "[nccl]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const sum = parallel::make_rank_sum<Scalar>(context, Partition(size), small_buckets);
  auto const v = local_vector(Partition(size));
  auto const record = KokkosWatch::during([&] {
    sum->begin(v);
    compute(context, *sum, true, [](std::size_t) {});
    sum->finish();
  });
  CHECK(std::count(record.fences.begin(), record.fences.end(), "kyrtos::MpiMemory::to_mpi") ==
        buckets);
}

/// Of making sums on a Context with such options.
inline std::string refusal(ContextOptions const& options) {
  Context<Space> const context(MPI_COMM_WORLD, options);
  return failure<ConfigError>(
      [&] { parallel::make_rank_sum<Scalar>(context, Partition(size), {}); });
}

TEST_CASE("a library that is not there or no NCCL is refused by key and with a way out", "[nccl]") {
  TemporaryDirectory const directory{Communicator(MPI_COMM_WORLD)};
  auto const no_library = directory.write("libnccl.so.2", "no library");
  auto const words_for = [](std::string const& library) {
    return refusal({.transport = Transport::nccl, .nccl_library = library});
  };
  std::string const way_out =
      ". Name the library of NCCL or RCCL by parallel.nccl_library, add its folder to "
      "LD_LIBRARY_PATH, or take parallel.transport = \"mpi\" or \"auto\"";
  for (std::string const& library : {std::string("/nowhere/libnccl.so.2"), no_library,
                                     std::string("libm.so.6"), std::string()}) {
    auto const words = words_for(library);
    INFO(library << ": " << words);
    CHECK(words.starts_with("parallel.transport = \"nccl\": "));
    CHECK(words.find(library) != std::string::npos);
    CHECK(words.ends_with(way_out));
  }
  CHECK(words_for("libm.so.6").find("is no NCCL: it has no nccl") != std::string::npos);
  CHECK(words_for("").find("kernels run on the host") != std::string::npos);
  CHECK(refusal({.nccl_library = "/nowhere/libnccl.so.2"}).empty());
  CHECK(refusal({.transport = Transport::mpi, .nccl_library = "/nowhere/libnccl.so.2"}).empty());
}

TEST_CASE("a library that one rank alone can't load is refused by all", "[nccl]") {
  bool const is_last = Communicator(MPI_COMM_WORLD).rank() > 0;
  auto const words =
      refusal({.transport = Transport::nccl,
               .nccl_library = is_last ? "/nowhere/libnccl.so.2" : stand_in_library()});
  CHECK(words.find("/nowhere/libnccl.so.2") != std::string::npos);
}

inline void check_words(std::string const& words, std::string const& call) {
  INFO(words);
  auto const wanted = call == "ncclCommGetAsyncError" ? "a rank is gone"
                      : call.starts_with("nccl")      ? call + ": it broke (" + stand_in_library()
                                                      : call;
  CHECK(words.find(wanted) != std::string::npos);
}

TEST_CASE("an error of NCCL is one of the library, with its words", "[nccl]") {
  auto const call = GENERATE(as<std::string>(), "ncclGetUniqueId", "ncclCommInitRank",
                             "ncclAllReduce", "ncclReduceScatter", "ncclCommGetAsyncError");
  auto const& calls = fresh_stand_in();
  auto const v = local_vector(Partition(size));
  std::string words;
  {
    auto const context = by_nccl();
    auto const split = split_over(context.communicator());
    std::strcpy(stand_in().failing, call.c_str());
    words = failure<Error>([&] {
      auto const of_split = call == "ncclReduceScatter";
      auto const sum =
          parallel::make_rank_sum<Scalar>(context, of_split ? split : Partition(size), {});
      auto const target = of_split ? local_vector(split) : v;
      sum->begin(target);
      compute(context, *sum, true, [](std::size_t) {});
      sum->finish();
    });
    stand_in().failing[0] = '\0';  // where the call was not made
  }
  check_words(words, call);
  CHECK(calls.aborted == (call == "ncclGetUniqueId" || call == "ncclCommInitRank" ? 0 : 1));
}

/// The others would wait for ever for what that rank did not start.
TEST_CASE("an error of NCCL on one rank is one of all, with its words", "[nccl]") {
  auto const call = GENERATE(as<std::string>(), "ncclAllReduce", "ncclReduceScatter",
                             "ncclAllGather", "ncclCommGetAsyncError");
  auto const failing = GENERATE(0, 1);
  auto const& calls = fresh_stand_in();
  {
    auto const context = by_nccl();
    auto const& ranks = context.communicator();
    bool const is_split = call == "ncclReduceScatter" || call == "ncclAllGather";
    auto const partition = is_split ? split_over(ranks) : Partition(size);
    auto const sum = parallel::make_rank_sum<Scalar>(context, partition, small_buckets);
    parallel::ShardedSource<Scalar, Space> source(context, split_over(ranks));
    auto const v = local_vector(partition);
    auto const pass = [&] {
      sum->begin(v);
      if (call == "ncclAllGather") {
        source.begin(v);
        for (auto const& part : parts) source.gather(part);
      }
      compute(context, *sum, true, [](std::size_t) {});
      sum->finish();
    };
    CHECK(failure<Error>(pass).empty());
    if (ranks.rank() == failing) std::strcpy(stand_in().failing, call.c_str());
    check_words(failure<Error>(pass), call);
    check_words(failure<Error>(pass), "NCCL failed before");
    stand_in().failing[0] = '\0';
  }
  CHECK(calls.aborted == 1);
}

}  // namespace kyrtos::testing::nccl
