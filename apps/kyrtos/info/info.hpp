// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "../command.hpp"

#include <nlohmann/json.hpp>
#include <string>

namespace kyrtos::program {

/// What `kyrtos info` tells, in the order that it tells it; an empty value is null.
using Facts = nlohmann::ordered_json;

/// Versions, providers, devices, threads and their cores, with warnings. Complete on rank 0.
/// Collective.
Facts machine_facts(Context<Space> const& context, bool measures_gemm);

/// A file of ours or a run's directory. On one rank. \throws FileError when it is none.
Facts file_facts(std::string const& path);

/// The same as indented lines; values under keys that end in `_bytes` or `_flops` scaled.
std::string to_text(Facts const& facts);

}  // namespace kyrtos::program
