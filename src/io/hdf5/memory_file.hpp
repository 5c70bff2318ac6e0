// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <hdf5.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kyrtos::io::hdf5 {

/// An HDF5 file in memory (where the system has no such directory, among temporary files) that goes
/// away with this object. Parts that nobody wrote to take no room, however long it is, and read as
/// zeros.
///
/// HDF5 makes no file on a disk: what it (1.10) finds no room for it can't close either, and then
/// breaks MPI_Finalize. No limit of a file's size may be in its way here: a Replacement of as many
/// bytes shows that before.
class MemoryFile {
 public:
  /// What write(file) makes, in the newest format that HDF5 1.10 reads: there all metadata have
  /// checksums. \throws FileError
  explicit MemoryFile(std::function<void(hid_t file)> const& write);

  std::uint64_t size() const;

  /// Bytes [begin, end). \throws FileError
  std::vector<std::byte> read(std::uint64_t begin, std::uint64_t end) const;

 private:
  struct Descriptor {
    explicit Descriptor(int descriptor) : value(descriptor) {}
    ~Descriptor();
    Descriptor(Descriptor const&) = delete;
    Descriptor& operator=(Descriptor const&) = delete;
    int const value;
  };

  std::string path_;  // until HDF5 has opened it
  Descriptor file_;
};

}  // namespace kyrtos::io::hdf5
