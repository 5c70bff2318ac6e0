// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/context.hpp>
#include <kyrtos/linalg/gemm.hpp>

#include "../support/kokkos_watch.hpp"
#include "../support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>

namespace kyrtos::testing::context {

TEST_CASE("scratch grows to the largest request, then allocates no more", "[context]") {
  Context<Space> const c(MPI_COMM_SELF);
  CHECK(c.scratch_capacity() == 0);
  CHECK(c.scratch<float>(0).size() == 0);
  CHECK(c.scratch<double>(100).size() == 100);
  CHECK(c.scratch_capacity() >= 100 * sizeof(double));
  auto const capacity = c.scratch_capacity();
  KokkosWatch const watch;
  auto const a = c.scratch<double>(100);
  auto const b = c.scratch<float>(13);
  CHECK(static_cast<void*>(a.data()) == static_cast<void*>(b.data()));
  CHECK(c.scratch_capacity() == capacity);
  CHECK(KokkosWatch::record().allocations.empty());
  CHECK(c.scratch<double>(1000).size() == 1000);
  CHECK(KokkosWatch::record().allocations.size() == 1);
}

TEST_CASE("copies share instance, communicator and scratch", "[context]") {
  Context<Space> const c(MPI_COMM_SELF);
  auto const copy = c;
  auto const mine = c.scratch<double>(10);
  CHECK(copy.scratch<double>(10).data() == mine.data());
  CHECK(copy.communicator().get() == c.communicator().get());
  CHECK(copy.reduction_buffer().data() == c.reduction_buffer().data());
  CHECK(device_of(copy.space()) == device_of(c.space()));
  Context<Space> const other(MPI_COMM_SELF);
  CHECK(other.scratch<double>(10).data() != mine.data());
}

TEST_CASE("reductions come to the host without an allocation", "[context]") {
  Context<Space> const c(MPI_COMM_SELF);
  Kokkos::deep_copy(c.space(), c.reduction_buffer(), 7.0);
  KokkosWatch const watch;
  auto const values = c.reduced(3, "test");
  CHECK(KokkosWatch::record().allocations.empty());
  REQUIRE(values.size() == 3);
  for (int i = 0; i < 3; ++i) CHECK(values(i) == 7);
}

TEST_CASE("the communicator is a duplicate of the caller's", "[context]") {
  Context<Space> const c(MPI_COMM_SELF);
  int relation = MPI_UNEQUAL;
  MPI_Comm_compare(MPI_COMM_SELF, c.communicator().get(), &relation);
  CHECK(relation == MPI_CONGRUENT);
  CHECK(c.communicator().size() == 1);
  CHECK(c.communicator().is_root());
}

TEST_CASE("poisoned scratch is NaN whenever it is handed out", "[context]") {
  Context<Space> const c(MPI_COMM_SELF, {.poison_scratch = true});
  for (int repeat = 0; repeat < 2; ++repeat) {
    auto const scratch = c.scratch<KYRTOS_TEST_SCALAR>(33);
    c.fence("test");
    for (double const v : on_host(scratch)) CHECK(std::isnan(v));
    Kokkos::deep_copy(c.space(), scratch, 1);
  }
}

TEST_CASE("options are kept; allocate gives zeros under the project's name", "[context]") {
  Context<Space> const c(MPI_COMM_SELF, {.gemm = linalg::GemmProvider::kokkos_kernels});
  CHECK(c.options().gemm == linalg::GemmProvider::kokkos_kernels);
  auto const v = allocate<KYRTOS_TEST_SCALAR>(c, "theta", 33);
  c.fence("test");
  CHECK(v.label() == "kyrtos::theta");
  CHECK(on_host(v) == Numbers(33, 0.0));
}

}  // namespace kyrtos::testing::context
