// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <CLI/CLI.hpp>
#include <string>

/// \file
/// \brief What the command line's words mean, for all commands alike.

namespace kyrtos::program {

/// From now on options whose type is FILE, PATH or DIRECTORY take `~` and variables of the
/// environment.
void take_paths(CLI::App& app);

/// `; did you mean 'x'?` for the first word that is no subcommand or option, or nothing.
std::string suggestion(CLI::App& app, int count, char const* const* words);

}  // namespace kyrtos::program
