// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/core/error.hpp>

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

namespace kyrtos::test::communicator {

TEST_CASE("Communicator counts the ranks of its own duplicate") {
  Communicator const c(MPI_COMM_WORLD);
  int size = 0;
  MPI_Comm_size(MPI_COMM_WORLD, &size);
  CHECK(c.size() == size);
  CHECK(c.is_root() == (c.rank() == 0));
  int same = 0;
  MPI_Comm_compare(c.get(), MPI_COMM_WORLD, &same);
  CHECK(same == MPI_CONGRUENT);
}

TEST_CASE("Communicator sums, compares and agrees over all ranks") {
  Communicator const c(MPI_COMM_WORLD);
  double const n = c.size();
  double const sum_of_ranks = n * (n - 1) / 2;  // 0 + 1 + … + (n - 1)
  CHECK(c.sum(1.0) == n);
  CHECK(c.max(c.rank()) == n - 1);

  std::vector<double> values = {1.0, static_cast<double>(c.rank())};
  c.sum(values);
  CHECK(values == std::vector<double>{n, sum_of_ranks});
  std::vector<double> largest = {1.0 + c.rank(), -static_cast<double>(c.rank())};
  c.max(largest);
  CHECK(largest == std::vector<double>{n, 0});
  std::vector<float> singles = {static_cast<float>(c.rank())};
  c.sum(singles);
  CHECK(singles.front() == static_cast<float>(sum_of_ranks));

  std::vector<std::uint64_t> words = {~std::uint64_t{0}, static_cast<std::uint64_t>(c.rank())};
  c.sum(words);
  CHECK(words[0] == 0 - static_cast<std::uint64_t>(c.size()));  // modulo 2⁶⁴
  CHECK(words[1] == static_cast<std::uint64_t>(sum_of_ranks));

  CHECK(c.any(c.rank() == c.size() - 1));
  CHECK_FALSE(c.any(false));
}

TEST_CASE("Communicator hands on what a rank has, of any length") {
  Communicator const c(MPI_COMM_WORLD);
  std::vector<double> values(3, c.rank() + 1.0);
  c.broadcast(values);
  CHECK(values == std::vector<double>(3, 1.0));
  for (std::size_t length : {0u, 1u, 100'000u}) {
    std::string const text(length, 'k');
    CHECK(c.broadcast(c.is_root() ? text : std::string("other")) == text);
    int const last = c.size() - 1;
    CHECK(c.broadcast(c.rank() == last ? text : std::string("other"), last) == text);
  }
}

TEST_CASE("check_mpi names the call that failed") {
  CHECK_NOTHROW(check_mpi(MPI_SUCCESS, "MPI_Something"));
  try {
    check_mpi(MPI_ERR_COUNT, "MPI_Something");
    FAIL("an error code passed");
  } catch (Error const& error) {
    CHECK(std::string(error.what()).find("MPI_Something") != std::string::npos);
  }
}

}  // namespace kyrtos::test::communicator
