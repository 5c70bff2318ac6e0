// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include <Kokkos_Core.hpp>
#include <mpi.h>

#include <cstdlib>

// Starts MPI and Kokkos before the first input, for libFuzzer and for our own driver.

namespace {

void stop() {
  if (Kokkos::is_initialized()) Kokkos::finalize();
  MPI_Finalize();
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  // Open MPI would catch the signals by which libFuzzer learns of a crash and keeps its input.
  setenv("OMPI_MCA_opal_signal", "", /*overwrite=*/1);
  int provided = 0;
  MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &provided);
  Kokkos::initialize();
  std::atexit(stop);
  return 0;
}
