// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/rank_sum.hpp>
#include <kyrtos/parallel/sharded_source.hpp>
#include <kyrtos/parallel/whole_matrices.hpp>

#include "../support/numbers.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cstdlib>
#include <cstring>

/// \file
/// \brief What MPI is given memory of kernels for, with an MPI that is GPU-aware as Open MPI is: it
/// copies such memory, and fails where a nonblocking reduction is given some.
///
/// The functions that MPI's tools interface lets a program replace do it; a build with distinct
/// memory (support/distinct_memory.hpp) knows what memory of kernels is.

namespace kyrtos::testing::gpu_aware {

/// Calls that were given memory of kernels.
struct Calls {
  int copies = 0, sums = 0;
};
inline Calls calls;

/// Memory of kernels as a copy on the host, for the length of a call; other memory as it is.
class OnHost {
 public:
  OnHost(void const* memory, MPI_Count elements, MPI_Datatype type)
      : memory_(const_cast<void*>(memory)) {
    if (!distinct::holds(memory)) return;
    int bytes = 0;
    MPI_Type_size(type, &bytes);
    copy_.resize(static_cast<std::size_t>(elements * bytes));
    distinct::Opened const opened;
    std::memcpy(copy_.data(), memory_, copy_.size());
  }
  OnHost(OnHost const&) = delete;

  bool is_copy() const { return !copy_.empty(); }
  void* data() { return is_copy() ? copy_.data() : memory_; }
  void write_back() {
    distinct::Opened const opened;
    std::memcpy(memory_, copy_.data(), copy_.size());
  }

 private:
  void* memory_;
  std::vector<char> copy_;
};

/// Ends a call that copies. If it had memory of kernels it is over when it returns.
inline int finish(int code, OnHost const& sent, OnHost& received, MPI_Request* request) {
  if (code != MPI_SUCCESS || !(sent.is_copy() || received.is_copy())) return code;
  ++calls.copies;
  code = PMPI_Wait(request, MPI_STATUS_IGNORE);
  if (received.is_copy()) received.write_back();
  return code;
}

inline MPI_Count extent(int const* counts, int const* begins, MPI_Comm ranks) {
  int size = 0;
  PMPI_Comm_size(ranks, &size);
  MPI_Count end = 0;
  for (int r = 0; r < size; ++r) end = std::max<MPI_Count>(end, begins[r] + counts[r]);
  return end;
}

inline bool is_here(int rank, MPI_Comm ranks) {
  int own = 0;
  PMPI_Comm_rank(ranks, &own);
  return own == rank;
}

}  // namespace kyrtos::testing::gpu_aware

extern "C" {

int MPI_Iallreduce(void const* sent, void* received, int count, MPI_Datatype type, MPI_Op operation,
                   MPI_Comm ranks, MPI_Request* request) {
  using namespace kyrtos;
  if (!distinct::holds(sent) && !distinct::holds(received))
    return PMPI_Iallreduce(sent, received, count, type, operation, ranks, request);
  ++testing::gpu_aware::calls.sums;
  return MPI_ERR_BUFFER;
}

int MPI_Ireduce_scatter_block(void const* sent, void* received, int count, MPI_Datatype type,
                              MPI_Op operation, MPI_Comm ranks, MPI_Request* request) {
  using namespace kyrtos;
  if (!distinct::holds(sent) && !distinct::holds(received))
    return PMPI_Ireduce_scatter_block(sent, received, count, type, operation, ranks, request);
  ++testing::gpu_aware::calls.sums;
  return MPI_ERR_BUFFER;
}

int MPI_Iallgather(void const* sent, int count, MPI_Datatype type, void* received, int count_back,
                   MPI_Datatype type_back, MPI_Comm ranks, MPI_Request* request) {
  using namespace kyrtos::testing::gpu_aware;
  int size = 0;
  PMPI_Comm_size(ranks, &size);
  OnHost from(sent, count, type), to(received, MPI_Count{count_back} * size, type_back);
  int const code =
      PMPI_Iallgather(from.data(), count, type, to.data(), count_back, type_back, ranks, request);
  return finish(code, from, to, request);
}

int MPI_Igatherv(void const* sent, int count, MPI_Datatype type, void* received, int const* counts,
                 int const* begins, MPI_Datatype type_back, int root, MPI_Comm ranks,
                 MPI_Request* request) {
  using namespace kyrtos::testing::gpu_aware;
  OnHost from(sent, count, type),
      to(received, is_here(root, ranks) ? extent(counts, begins, ranks) : 0, type_back);
  int const code = PMPI_Igatherv(from.data(), count, type, to.data(), counts, begins, type_back,
                                 root, ranks, request);
  return finish(code, from, to, request);
}

int MPI_Iscatterv(void const* sent, int const* counts, int const* begins, MPI_Datatype type,
                  void* received, int count_back, MPI_Datatype type_back, int root, MPI_Comm ranks,
                  MPI_Request* request) {
  using namespace kyrtos::testing::gpu_aware;
  OnHost from(sent, is_here(root, ranks) ? extent(counts, begins, ranks) : 0, type),
      to(received, count_back, type_back);
  int const code = PMPI_Iscatterv(from.data(), counts, begins, type, to.data(), count_back,
                                  type_back, root, ranks, request);
  return finish(code, from, to, request);
}

int MPI_Ibcast(void* memory, int count, MPI_Datatype type, int root, MPI_Comm ranks,
               MPI_Request* request) {
  using namespace kyrtos::testing::gpu_aware;
  OnHost from(nullptr, 0, type), to(memory, count, type);
  int const code = PMPI_Ibcast(to.data(), count, type, root, ranks, request);
  return finish(code, from, to, request);
}

}  // extern "C"

namespace kyrtos::testing::gpu_aware {

using Scalar = KYRTOS_TEST_SCALAR;
using Order = parallel::ReductionOptions::Order;
using Ranges = std::vector<Partition::Range>;

inline Ranges const parts{{0, 40}, {40, 12}, {52, 35}};
constexpr Index size = 87;

inline Partition split_over(Communicator const& ranks) {
  return {parts, ranks.rank(), ranks.size()};
}

inline Vector<Scalar, Space> local_vector(Partition const& partition, double value) {
  return on_device<Scalar>(Numbers(static_cast<std::size_t>(partition.local_size()), value));
}

/// What this rank holds, without the padding of a split vector.
inline Numbers held(Partition const& partition, Vector<Scalar, Space> const& local) {
  if (!partition.is_split()) return on_host(local);
  Numbers all = on_host(local), numbers;
  for (auto const& slice : partition.slices({0, size}))
    numbers.insert(numbers.end(), all.begin() + slice.local,
                   all.begin() + slice.local + slice.size);
  return numbers;
}

inline bool all_are(Numbers const& numbers, double value) {
  return std::all_of(numbers.begin(), numbers.end(), [=](double x) { return x == value; });
}

/// Each rank adds its number, counted from 1, to every element.
inline void check_sum(Context<Space> const& context, Partition const& partition, Order order) {
  auto const& ranks = context.communicator();
  auto const sum = parallel::make_rank_sum<Scalar>(context, partition, {.order = order});
  auto const v = local_vector(partition, 0);
  sum->begin(v);
  auto const sink = sum->sink(true);
  for (auto part = parts.rbegin(); part != parts.rend(); ++part) {
    linalg::fill(context, sink.part(*part), ranks.rank() + 1);
    sink.final_from(part->offset);
  }
  sum->finish();
  CHECK(all_are(held(partition, v), ranks.size() * (ranks.size() + 1) / 2));
}

inline void check_gathering(Context<Space> const& context) {
  auto const partition = split_over(context.communicator());
  parallel::ShardedSource<Scalar, Space> source(context, partition);
  auto const v = local_vector(partition, 7);
  source.begin(v);
  for (auto const& part : parts) CHECK(all_are(on_host(source.gather(part)), 7));
}

/// Doubles two matrices, each whole on one rank.
inline void check_matrices(Context<Space> const& context, Partition const& partition) {
  parallel::WholeMatrices<Scalar, Space> matrices(context, "test", partition,
                                                  {{0, 5, 8}, {52, 7, 5}});
  auto const v = local_vector(partition, 3);
  matrices.transform(context, v, [&](std::size_t, MatrixView<Scalar, Space> const& matrix) {
    linalg::scale(context, 2, flat(matrix));
  });
  auto const numbers = held(partition, v);
  auto const unchanged = std::count(numbers.begin(), numbers.end(), 3.0);
  auto const doubled = std::count(numbers.begin(), numbers.end(), 6.0);
  CHECK(unchanged + doubled == static_cast<std::ptrdiff_t>(numbers.size()));
  CHECK(context.communicator().sum(static_cast<double>(doubled)) ==
        (partition.is_split() ? 75 : 75 * context.communicator().size()));
}

/// All that a training sends, but for sums in the library's order where `sums` is false.
inline void check_messages(Context<Space> const& context, bool sums = true) {
  auto const split = split_over(context.communicator());
  for (Partition const& partition : {Partition(size), split}) {
    for (Order const order : {Order::library, Order::ordered})
      if (sums || order == Order::ordered) check_sum(context, partition, order);
    check_matrices(context, partition);
  }
  check_gathering(context);
}

TEST_CASE("MPI is given device memory for what it was allowed", "[gpu_aware_mpi]") {
  using enum GpuAwareMpi;
  auto const gives = [](GpuAwareMpi choice) {
    return std::vector{gives_device_memory(choice, MpiWork::copies),
                       gives_device_memory(choice, MpiWork::sums),
                       gives_device_memory(choice, MpiWork::ordered_sums)};
  };
  CHECK(gives(off) == std::vector{false, false, false});
  CHECK(gives(copies) == std::vector{true, false, false});
  CHECK(gives(on) == std::vector{true, true, false});
}

TEST_CASE("an MPI that calls itself GPU-aware is given no device memory unasked",
          "[gpu_aware_mpi]") {
  setenv("MPICH_GPU_SUPPORT_ENABLED", "1", 1);
  CHECK(mpi_says_gpu_aware());
  calls = {};
  check_messages(Context<Space>(MPI_COMM_WORLD));
  CHECK(calls.copies == 0);
  CHECK(calls.sums == 0);
  unsetenv("MPICH_GPU_SUPPORT_ENABLED");
}

TEST_CASE("an MPI that copies device memory is given none to add", "[gpu_aware_mpi]") {
  calls = {};
  check_messages(Context<Space>(MPI_COMM_WORLD, {.gpu_aware_mpi = GpuAwareMpi::copies}));
  CHECK(calls.copies > 0);
  CHECK(calls.sums == 0);
}

TEST_CASE("an MPI that is given device memory to add may refuse it", "[gpu_aware_mpi]") {
  Context<Space> const context(MPI_COMM_WORLD, {.gpu_aware_mpi = GpuAwareMpi::on});
  calls = {};
  check_messages(context, false);
  CHECK(calls.sums == 0);
  for (Partition const& partition : {Partition(size), split_over(context.communicator())})
    CHECK_THROWS_AS(check_sum(context, partition, Order::library), Error);
  CHECK(calls.sums == 2);
}

}  // namespace kyrtos::testing::gpu_aware
