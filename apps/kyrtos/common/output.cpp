// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "output.hpp"

#include <kyrtos/core/error.hpp>

#include "io/files/replacement.hpp"

#include <filesystem>
#include <fmt/format.h>

namespace kyrtos::program {

namespace {

namespace fs = std::filesystem;

bool is_result(Output const& output, std::string const& path) {
  try {
    return output.is_result(path);
  } catch (std::exception const&) {
    return false;  // what can't be read is none
  }
}

}  // namespace

void require_output(Output const& output, std::uint64_t bytes) {
  auto const target = io::output_target(output.path);
  std::error_code error;
  if (target.is_plain && fs::exists(target.path, error)) {
    for (auto const& input : output.inputs)
      if (fs::equivalent(input, target.path, error))
        throw FileError(fmt::format("{} {}: is also an input of this command; choose another {}",
                                    output.option, output.path, output.option));
    bool const is_empty = fs::file_size(target.path, error) == 0 && !error;  // as mktemp leaves it
    if (!is_empty && !is_result(output, target.path))
      throw FileError(
          fmt::format("{}: is there already, and no result of `{}` that may be replaced; choose "
                      "another {}, or remove that file",
                      output.path, output.writer, output.option));
  }
  io::require_writable(output.path, bytes);
}

}  // namespace kyrtos::program
