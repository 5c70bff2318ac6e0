// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/kokkos_compat.hpp>
#include <kyrtos/kyrtos.h>

/// \file
/// \brief For C and Fortran, which have no way to start Kokkos: the one place that does, when told.

kyrtos_status kyrtos_start_kokkos(void) {
  // Kokkos 3.7 and later can be started only once, and end the program that tries again.
  if (KYRTOS_KOKKOS_AT_LEAST(3, 7) && kyrtos::compat::is_finalized()) return KYRTOS_ERROR_FINALIZED;
  try {
    if (!Kokkos::is_initialized()) Kokkos::initialize();
    return KYRTOS_OK;
  } catch (...) {
    return KYRTOS_ERROR_OTHER;
  }
}

kyrtos_status kyrtos_stop_kokkos(void) {
  try {
    if (Kokkos::is_initialized()) Kokkos::finalize();
    return KYRTOS_OK;
  } catch (...) {
    return KYRTOS_ERROR_OTHER;
  }
}
