// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

/// \file
/// \brief Files that commands write.

namespace kyrtos::program {

/// A file that an option names. What is there already is replaced only where it is an older result
/// of the same command: a slip of the pen could cost a checkpoint.
struct Output {
  std::string option;  ///< For instance `--out`.
  std::string path;
  std::string writer;                    ///< For instance `kyrtos hvp`.
  std::vector<std::string> inputs = {};  ///< Files that the command reads.
  /// Whether a file holds a result of the writer; may throw where it can't be read.
  std::function<bool(std::string const& path)> is_result;
};

/// Called on one rank before the work: that the file may be written, and can be, as far as that can
/// be known beforehand. \throws FileError with what to do.
void require_output(Output const& output, std::uint64_t bytes);

}  // namespace kyrtos::program
