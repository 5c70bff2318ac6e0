// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace kyrtos::io {

/// A file in memory (where the system has no such directory, among temporary files) that goes away
/// with this object. Parts that nobody wrote to take no room, however long it is, and read as
/// zeros.
class MemoryFile {
 public:
  /// \throws FileError
  MemoryFile();
  ~MemoryFile();
  MemoryFile(MemoryFile const&) = delete;
  MemoryFile& operator=(MemoryFile const&) = delete;

  /// For another to open it by, as long as it has a name.
  std::string const& path() const { return path_; }

  /// The file is unlinked: the kernel frees it on exit, also when the program is killed.
  void drop_name();

  std::uint64_t size() const;

  /// Bytes [begin, end). \throws FileError
  std::vector<std::byte> read(std::uint64_t begin, std::uint64_t end) const;

 private:
  std::string path_;  // empty: none
  int descriptor_;
};

}  // namespace kyrtos::io
