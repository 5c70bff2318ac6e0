// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "perf/bench/operation.hpp"

#include <string>

namespace kyrtos::program {

struct StartUpModel {
  Index depth = 6, width = 384, heads = 6, context = 256, batch = 8;
};

/// From the start of a process to the report of its first step: `kyrtos train` as a child of this
/// one, on a file in the directory. For one rank; the child has none beside it.
perf::CaseMaker start_up_case(std::string const& directory, StartUpModel const& model);

}  // namespace kyrtos::program
