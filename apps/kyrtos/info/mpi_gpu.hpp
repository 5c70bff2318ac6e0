// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "../command.hpp"

#include <string>
#include <vector>

/// \file
/// \brief Trials of what MPI does with memory of kernels, by what training calls it for.

namespace kyrtos::program {

struct MpiTrial {
  std::string call;
  MpiWork work;
  /// Runs it with a vector of so many elements. Collective. \return whether the result is right.
  bool (*is_right)(Context<Space> const&, Index);
};

/// The first gives MPI no memory at all.
std::vector<MpiTrial> const& mpi_trials();

/// Starts each trial on two ranks, as processes of their own, and prints how they ended. Needs
/// neither MPI nor Kokkos to be up. \param launcher starts two ranks of the command that follows.
int check_mpi_gpu(std::vector<std::string> const& launcher, bool json);

/// What these ranks do: one trial, in which they may well crash.
int try_mpi_gpu(MPI_Comm ranks, std::string const& call);

}  // namespace kyrtos::program
