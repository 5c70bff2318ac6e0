// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include <Kokkos_Core.hpp>
#include <mpi.h>

#include <catch2/catch_session.hpp>
#include <iostream>
#include <sstream>

namespace {

/// Holds back what is printed while it lives, so that only one rank speaks.
class HeldOutput {
 public:
  HeldOutput() : before_(std::cout.rdbuf(held_.rdbuf())) {}
  ~HeldOutput() { std::cout.rdbuf(before_); }
  HeldOutput(HeldOutput const&) = delete;
  HeldOutput& operator=(HeldOutput const&) = delete;

  std::string text() const { return held_.str(); }

 private:
  std::ostringstream held_;
  std::streambuf* before_;
};

/// How a rank's tests ended, the worst last: that is what counts for all ranks.
enum Outcome { all_skipped, passed, failed };

Outcome run(int argc, char** argv) {
  constexpr int catch_says_all_skipped = 4;
  int const code = Catch::Session().run(argc, argv);
  return code == 0 ? passed : code == catch_says_all_skipped ? all_skipped : failed;
}

/// A rank other than 0 prints only what failed there.
Outcome run_quietly(int rank, int argc, char** argv) {
  Outcome outcome = failed;
  std::string text;
  {
    HeldOutput const held;
    outcome = run(argc, argv);
    text = held.text();
  }
  if (outcome == failed) std::cout << "On rank " << rank << ":\n" << text << std::flush;
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  Kokkos::initialize();
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  int outcome = rank == 0 ? run(argc, argv) : run_quietly(rank, argc, argv);
  MPI_Allreduce(MPI_IN_PLACE, &outcome, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  Kokkos::finalize();
  MPI_Finalize();
  constexpr int skipped = 77;  // as SKIP_RETURN_CODE in cmake/KyrtosTest.cmake
  return outcome == failed ? 1 : outcome == all_skipped ? skipped : 0;
}
