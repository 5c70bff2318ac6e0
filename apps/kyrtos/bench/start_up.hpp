// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "operation.hpp"

#include <string>
#include <vector>

namespace kyrtos::program {

struct StartUpModel {
  Index depth = 6, width = 384, heads = 6, context = 256, batch = 8;
};

/// From the start of a process to the report of its first step: `kyrtos train` as a child of this
/// one, on a file in the directory. The child is alone, or on the ranks that `launcher` starts (its
/// words, as "mpirun", "-n", "4").
bench::CaseMaker start_up_case(std::string const& directory, StartUpModel const& model,
                               std::vector<std::string> const& launcher);

}  // namespace kyrtos::program
