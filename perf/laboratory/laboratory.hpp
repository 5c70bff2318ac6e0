// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "bench/operation.hpp"

#include <functional>

/// \file
/// \brief What the programs of the kernel laboratory share: one program a layer, which takes the
/// layer's kernels with other constants (tiles, chunks), checks each of these against the reference
/// of the tests, and measures them in turns.

namespace kyrtos::bench {

/// One choice of constants.
struct Candidate {
  CaseMaker maker;
  /// The largest error of a pass on a small problem, relative to the norm of what it computes.
  std::function<double(Context<Space> const&)> error;
};

/// Checks every candidate, measures all of them in turns, and prints a row for each with the rate
/// of every operation and its share of the peak; the fastest of a column is marked. \throws Error
/// that names a candidate whose error exceeds `tolerance`.
void compare(Context<Space> const& context, std::vector<Candidate> const& candidates,
             double tolerance);

/// main() of a program: runs `work` where MPI and Kokkos are up, on the numbers of the command
/// line, and on those of `otherwise` that it lacks; an exception is a message and exit code 1.
int in_laboratory(
    int argc, char** argv, std::vector<Index> const& otherwise,
    std::function<void(Context<Space> const&, std::vector<Index> const&)> const& work);

}  // namespace kyrtos::bench
