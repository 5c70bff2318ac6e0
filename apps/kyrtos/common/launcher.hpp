// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <vector>

/// \file
/// \brief What mpirun, srun and their like tell the processes that they start, in the environment.

namespace kyrtos::program {

/// The rank that the launcher gave this process, before MPI is up; 0 without a launcher.
int launcher_rank();

/// Whether a launcher started this process, or one that it comes from.
bool has_launcher();

/// The environment without what a launcher tells its ranks, for a child that is on its own; ends
/// with a null pointer, and points into this process' environment.
std::vector<char*> environment_without_launcher();

}  // namespace kyrtos::program
