// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "peaks.hpp"

#include <optional>

namespace kyrtos::bench {

/// `peaks`, `rounds`, `cases` and `slopes` of a result; docs/benchmarks.md has all keys.
/// \param measured the machine's case first.
Json to_json(std::vector<Measured> const& measured);

/// For each series of cases, the power of what varies that times and memory grow with.
Json slopes_of(Json const& cases);

/// The operations of a case that have been timed, in their order.
std::vector<std::string> operations_of(Json const& one_case);

/// Its share of the peak that it is measured by, or nothing.
std::optional<double> share_of_peak(Json const& one_case, std::string const& operation);

}  // namespace kyrtos::bench
