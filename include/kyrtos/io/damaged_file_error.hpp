// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>

namespace kyrtos::io {

/// A file that is cut off, or whose contents contradict their checksum: an older copy may be taken
/// in its place. That does not hold of a file that is absent, locked, too new or something else.
struct DamagedFileError : FileError {
  using FileError::FileError;
};

}  // namespace kyrtos::io
