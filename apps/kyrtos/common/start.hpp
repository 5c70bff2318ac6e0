// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <mpi.h>

/// \file
/// \brief How the program starts what the library never does: MPI, Kokkos.
/// What the user has set in the environment stays as it is.

namespace kyrtos::program {

void start_mpi(int& argc, char**& argv);

/// After MPI, of which each rank takes its share of the node's cores. Collective.
void start_kokkos(MPI_Comm ranks);

}  // namespace kyrtos::program
