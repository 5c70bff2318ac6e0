// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <dlfcn.h>

// Stands for the C library's dlclose() in programs that are built with sanitizers: Open MPI unloads
// its plugins, and suppressions could not name what these have left behind.

int dlclose(void* library) {
  (void)library;
  return 0;
}
