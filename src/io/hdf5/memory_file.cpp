// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "memory_file.hpp"

#include <kyrtos/core/error.hpp>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace kyrtos::io {

namespace {

[[noreturn]] void fail(std::string const& what) {
  throw FileError("a file in memory " + what + ": " + std::strerror(errno));
}

/// HDF5 wants a path that is no link: memfd_create() and /proc will not do.
std::string unused_path() {
  namespace fs = std::filesystem;
  std::error_code none;
  fs::path const memory = "/dev/shm";
  auto const directory = access(memory.c_str(), W_OK) == 0 ? memory : fs::temp_directory_path(none);
  return directory / "kyrtos-XXXXXX";
}

}  // namespace

MemoryFile::MemoryFile() : path_(unused_path()), descriptor_(mkostemp(path_.data(), O_CLOEXEC)) {
  if (descriptor_ < 0) fail("can't be made (" + path_ + ")");
}

MemoryFile::~MemoryFile() {
  drop_name();
  close(descriptor_);
}

void MemoryFile::drop_name() {
  if (!path_.empty()) unlink(path_.c_str());
  path_.clear();
}

std::uint64_t MemoryFile::size() const {
  struct stat status {};
  if (fstat(descriptor_, &status) != 0) fail("has no size");
  return static_cast<std::uint64_t>(status.st_size);
}

std::vector<std::byte> MemoryFile::read(std::uint64_t begin, std::uint64_t end) const {
  std::vector<std::byte> bytes(end - begin);
  for (std::size_t done = 0; done < bytes.size();) {
    auto const count = pread(descriptor_, bytes.data() + done, bytes.size() - done,
                             static_cast<off_t>(begin + done));
    if (count <= 0) fail("can't be read");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace kyrtos::io
