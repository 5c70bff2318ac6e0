// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>
#include <vector>

/// \file
/// \brief Signals as requests, which the program looks at in its own time.

namespace kyrtos::program {

/// Lets the signals of batch systems wait until listen_to() knows what to do with them, in this
/// thread and those that it starts: to be called before MPI and Kokkos start some, and long before
/// a configuration is read. SIGINT is not held, nor those that only tell of errors.
void hold_signals();

/// From now on these signals (`USR1` or `SIGUSR1`) are remembered, all others have their usual
/// effect; those that were held come now. A second SIGINT ends the program.
/// \throws ConfigError for an unknown name, with the known ones.
void listen_to(std::vector<std::string> const& names);

/// The name of the signal that was remembered last, `SIGUSR1`, or nothing.
std::string remembered_signal();

}  // namespace kyrtos::program
