// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "result.hpp"

#include <string>

namespace kyrtos::program {

/// Tables for a terminal or a log.
std::string to_text(CurvatureResult const& result);

/// One JSON object on one line; what was not measured is left out.
enum class Detail { summary, everything };  ///< A summary has no curves.
std::string to_json(CurvatureResult const& result, Detail detail);

/// The matrix in words.
std::string describe(CurvatureOptions const& options);

}  // namespace kyrtos::program
