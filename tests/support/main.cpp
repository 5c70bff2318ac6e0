// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include <Kokkos_Core.hpp>
#include <mpi.h>

#include <algorithm>
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

/// Catch2's exit code; a rank other than 0 prints only what failed there.
int run(int rank, int argc, char** argv) {
  if (rank == 0) return Catch::Session().run(argc, argv);
  int result = 0;
  std::string text;
  {
    HeldOutput const held;
    result = Catch::Session().run(argc, argv);
    text = held.text();
  }
  if (result != 0) std::cout << "On rank " << rank << ":\n" << text << std::flush;
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  int provided = 0;
  MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided);
  Kokkos::initialize();
  int rank = 0;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  int result = run(rank, argc, argv);
  MPI_Allreduce(MPI_IN_PLACE, &result, 1, MPI_INT, MPI_MAX, MPI_COMM_WORLD);
  Kokkos::finalize();
  MPI_Finalize();
  return std::min(result, 255);  // an exit code of 256 would read as success
}
