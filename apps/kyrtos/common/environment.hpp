// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <algorithm>
#include <cstdlib>
#include <initializer_list>

/// \file
/// \brief What the user has set in the environment.

namespace kyrtos::program {

inline bool is_any_set(std::initializer_list<char const*> names) {
  return std::any_of(names.begin(), names.end(),
                     [](char const* name) { return std::getenv(name) != nullptr; });
}

}  // namespace kyrtos::program
