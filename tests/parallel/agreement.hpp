// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "support/temporary_directory.hpp"

#include <catch2/catch_test_macros.hpp>
#include <stdexcept>

// What fails on one rank fails on all, with the same words.

namespace kyrtos::testing {

TEST_CASE("what works everywhere runs everywhere, once", "[agreement]") {
  Communicator const ranks(MPI_COMM_WORLD);
  int runs = 0;
  parallel::in_agreement<FileError>(ranks, [&] { ++runs; });
  CHECK(runs == 1);
  parallel::on_root<FileError>(ranks, [&] { ++runs; });
  CHECK(runs == (ranks.is_root() ? 2 : 1));
}

TEST_CASE("a failure of any rank is one of all", "[agreement]") {
  Communicator const ranks(MPI_COMM_WORLD);
  for (int culprit = 0; culprit < ranks.size(); ++culprit) {
    auto const words = failure<FileError>([&] {
      parallel::in_agreement<FileError>(ranks, [&] {
        if (ranks.rank() == culprit) throw std::out_of_range("rank " + std::to_string(culprit));
      });
    });
    CHECK(words == "rank " + std::to_string(culprit));
  }
}

TEST_CASE("the lowest rank that failed has the word", "[agreement]") {
  Communicator const ranks(MPI_COMM_WORLD);
  auto const everywhere = [&] { throw FileError("rank " + std::to_string(ranks.rank())); };
  CHECK(failure<FileError>([&] { parallel::in_agreement<FileError>(ranks, everywhere); }) ==
        "rank 0");
  CHECK(failure<ConfigError>([&] { parallel::on_root<ConfigError>(ranks, everywhere); }) ==
        "rank 0");
  // Even where there are no words.
  CHECK_THROWS_AS(parallel::on_root<FileError>(ranks, [] { throw FileError(""); }), FileError);
}

}  // namespace kyrtos::testing
