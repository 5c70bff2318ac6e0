// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

/// \file
/// \brief What a file is, by its first bytes: so that a reader which is given another one can say
/// what it has been given.

namespace kyrtos::io {

/// What readers tell apart; FileLook::words has the rest.
enum class FileKind {
  unopened,  ///< It is absent, or may not be read.
  directory,
  special,  ///< A pipe, a device or a socket: nothing is read of it.
  empty,
  hdf5,  ///< Or with a damaged signature, or cut off within it.
  safetensors,
  numpy,  ///< A .npy file.
  json,
  json_index,  ///< Of the safetensors files that a large model is cut into.
  markup,      ///< HTML or XML.
  text,        ///< Other UTF-8.
  pointer,     ///< What git LFS and its like leave where a file has not been fetched.
  other,       ///< Another format that is known, such as an archive.
  unknown,
};

struct FileLook {
  FileKind kind = FileKind::unknown;
  std::string words = {};   ///< `a gzip archive`; of unopened files why.
  std::string fix = {};     ///< What to do where another file is wanted; may be empty.
  std::uint64_t bytes = 0;  ///< The file's size.
};

/// Opens the file, if it is a plain one, and looks at its first 4 KiB.
FileLook look_at(std::string const& path);

/// By its first bytes alone, of which 4 KiB are enough. \param bytes the file's size.
FileLook look_of(std::string_view head, std::uint64_t bytes);

/// \throws FileError `<path>: looks like <words>, but <wanted> is needed; <fix>`, or why it can't
/// be opened. DamagedFileError where the file is empty.
[[noreturn]] void refuse(std::string const& path, FileLook const& look, std::string const& wanted);

/// The whole text of a file; a pipe will do. \throws FileError, by refuse(), when it can't be read,
/// is empty or is neither JSON nor other plain text.
std::string read_text_file(std::string const& path, std::string const& wanted);

}  // namespace kyrtos::io
