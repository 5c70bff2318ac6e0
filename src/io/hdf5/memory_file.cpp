// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "memory_file.hpp"

#include <kyrtos/core/error.hpp>

#include "hdf5.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <sys/stat.h>
#include <unistd.h>

namespace kyrtos::io::hdf5 {

namespace {

[[noreturn]] void fail_in_memory(std::string const& what) {
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

MemoryFile::Descriptor::~Descriptor() {
  ::close(value);
}

MemoryFile::MemoryFile(std::function<void(hid_t)> const& write)
    : path_(unused_path()), file_(mkostemp(path_.data(), O_CLOEXEC)) {
  if (file_.value < 0) fail_in_memory("can't be made (" + path_ + ")");
  Handle const access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose), creation = timeless(H5P_FILE_CREATE);
  H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
  H5Pset_alignment(access, large, page);
  Handle file(H5Fcreate(path_.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose);
  // Without a name the kernel frees it on exit, also when the program is killed.
  unlink(path_.c_str());
  if (file < 0) fail(path_, "can't be created");
  write(file);
  close(file);
}

std::uint64_t MemoryFile::size() const {
  struct stat status {};
  if (fstat(file_.value, &status) != 0) fail_in_memory("has no size");
  return static_cast<std::uint64_t>(status.st_size);
}

std::vector<std::byte> MemoryFile::read(std::uint64_t begin, std::uint64_t end) const {
  std::vector<std::byte> bytes(end - begin);
  for (std::size_t done = 0; done < bytes.size();) {
    auto const count = pread(file_.value, bytes.data() + done, bytes.size() - done,
                             static_cast<off_t>(begin + done));
    if (count <= 0) fail_in_memory("can't be read");
    done += static_cast<std::size_t>(count);
  }
  return bytes;
}

}  // namespace kyrtos::io::hdf5
