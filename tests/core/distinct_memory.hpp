// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <csignal>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

/// \file
/// \brief That a build with Kyrtos_DISTINCT_MEMORY finds what it is there to find.

namespace kyrtos::testing {

struct Death {
  int signal = 0;  ///< 0: it did not die.
  std::string last_words;
};

/// What became of a copy of this process that did `work`.
template <class Work>
Death in_child(Work const& work) {
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  pid_t const child = fork();
  if (child == 0) {
    for (int const stream : {STDOUT_FILENO, STDERR_FILENO}) dup2(ends[1], stream);
    work();
    _exit(0);
  }
  close(ends[1]);
  Death death;
  char buffer[256];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    death.last_words.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) death.signal = WTERMSIG(status);
  return death;
}

TEST_CASE("Host code dies of memory of kernels, and names it", "[core]") {
  using Catch::Matchers::ContainsSubstring;
  auto const v = on_device<double>(Numbers{1, 2, 3});
  double volatile* const element = &v.data()[1];
  auto const read = in_child([&] { [[maybe_unused]] double const value = *element; });
  CHECK(read.signal == SIGSEGV);
  CHECK_THAT(read.last_words, ContainsSubstring("byte 8 of 'test::vector'"));
  CHECK(in_child([&] { *element = 4; }).signal == SIGSEGV);
  CHECK(in_child([&] { v(0) = 4; }).signal == SIGSEGV);
  CHECK(in_child([] {}).signal == 0);
  CHECK(on_host(v) == Numbers{1, 2, 3});
}

TEST_CASE("Memory of kernels is closed again after a kernel, a sum and a copy", "[core]") {
  auto const v = on_device<double>(Numbers{1, 2, 3});
  auto const n = static_cast<int>(v.size());
  double sum = 0;
  Kokkos::parallel_for(
      "test::kernel", Kokkos::RangePolicy<Space>(0, n), KOKKOS_LAMBDA(int i) { v(i) *= 2; });
  Kokkos::parallel_reduce(
      "test::sum", Kokkos::RangePolicy<Space>(0, n),
      KOKKOS_LAMBDA(int i, double& partial) { partial += v(i); }, sum);
  CHECK(sum == 12);
  CHECK(on_host(v) == Numbers{2, 4, 6});
  double volatile const* const element = v.data();
  CHECK(in_child([&] { [[maybe_unused]] double const value = *element; }).signal == SIGSEGV);
}

TEST_CASE("To Kokkos, memory of kernels and of the host are not the same", "[core]") {
  using Device = compat::DeviceMemory<Space>;
  CHECK_FALSE(Kokkos::SpaceAccessibility<Device, Kokkos::HostSpace>::assignable);
  CHECK_FALSE(Kokkos::SpaceAccessibility<Kokkos::HostSpace, Device>::assignable);
  CHECK_FALSE(compat::is_host_accessible<Space>);
  auto const v = on_device<double>(Numbers{1, 2, 3});
  CHECK(static_cast<void*>(Kokkos::create_mirror_view(v).data()) != v.data());
}

}  // namespace kyrtos::testing
