// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What a Python program without mpi4py can't do for itself: start MPI, and name MPI_COMM_SELF. The
// library leaves MPI to the program that embeds it; for Python this file is part of that program.

#include <kyrtos/kyrtos.h>

/// Starts MPI unless it runs already. *started: whether it was this call. *self: MPI_COMM_SELF for
/// kyrtos_context_create_f(). Returns 0, or what MPI says of a failure.
KYRTOS_API int kyrtos_python_start_mpi(int* started, MPI_Fint* self) {
  int is_up = 0, is_over = 0, provided = 0;
  *started = 0;
  MPI_Finalized(&is_over);
  if (is_over) return -1;
  MPI_Initialized(&is_up);
  if (!is_up) {
    int const failure = MPI_Init_thread(NULL, NULL, MPI_THREAD_SERIALIZED, &provided);
    if (failure != MPI_SUCCESS) return failure;
    *started = 1;
  }
  *self = MPI_Comm_c2f(MPI_COMM_SELF);
  return 0;
}

/// Ends MPI unless that has been done.
KYRTOS_API void kyrtos_python_stop_mpi(void) {
  int is_over = 0;
  MPI_Finalized(&is_over);
  if (!is_over) MPI_Finalize();
}
