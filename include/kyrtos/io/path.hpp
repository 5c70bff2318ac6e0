// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>

namespace kyrtos::io {

/// A path as a shell would take it: `~` at its beginning is the home directory, `$NAME` and
/// `${NAME}` are variables of the environment. A path that exists as it stands means itself.
/// \throws FileError for a variable that is not set.
std::string expanded_path(std::string const& path);

}  // namespace kyrtos::io
