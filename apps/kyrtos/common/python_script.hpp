// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>
#include <vector>

namespace kyrtos::program {

/// The words that run a script that came with the program: by the interpreter that KYRTOS_PYTHON
/// names, or python3. \throws std::runtime_error where the script is missing.
std::vector<std::string> python_command(std::string const& script,
                                        std::vector<std::string> const& arguments);

/// Becomes the Python interpreter on a script that came with the program, and so returns only
/// where that fails: with the exit code, after a complaint. Not while MPI is up, which a process
/// that has become another one can't take down.
int become_python(std::string const& script, std::vector<std::string> const& arguments);

}  // namespace kyrtos::program
