// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "operation.hpp"

#include <string>
#include <vector>

/// \file
/// \brief Results of `kyrtos bench`, as its files hold them, for a terminal or a log.

namespace kyrtos::program {

/// One result: what was measured where, and a row an operation.
std::string to_table(bench::Json const& result);

/// Several side by side: for each operation its time and its share of the machine's own peak, and
/// Pennycook's performance portability over all of them.
std::string compare(std::vector<bench::Json> const& results);

}  // namespace kyrtos::program
