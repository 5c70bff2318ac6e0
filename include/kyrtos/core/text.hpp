// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace kyrtos {

/// Words of a file as an error message may repeat them: on one line, and no longer than `longest`
/// bytes, with … where they go on.
std::string shown(std::string_view text, std::size_t longest = 100);

/// `; did you mean 'x'?` for the candidate nearest to `name` by edit distance, or nothing when
/// none is near.
std::string did_you_mean(std::string_view name, std::vector<std::string> const& candidates);

}  // namespace kyrtos
