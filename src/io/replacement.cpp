// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "replacement.hpp"

#include <kyrtos/core/error.hpp>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

namespace kyrtos::io {

namespace {

char const* mend_of(int error) {
  switch (error) {
    case ENOSPC:
    case EDQUOT:
      return "make room on the disk";
    case EFBIG:
      return "raise the limit of a file's size (ulimit -f)";
    default:
      return "give a directory that exists and that you may write";
  }
}

[[noreturn]] void fail(std::string const& path, char const* what, int error = errno) {
  throw FileError(fmt::format("{}: {}: {}; {}", path, what, std::strerror(error), mend_of(error)));
}

std::string directory_of(std::string const& path) {
  auto const directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

/// An empty file that may grow to so many bytes.
void create(std::string const& path, std::uint64_t bytes) {
  int const file = open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  if (file < 0) fail(path, "can't be created");
  bool const may_grow = ftruncate(file, static_cast<off_t>(bytes)) == 0;
  int const error = errno;
  bool const is_empty = ftruncate(file, 0) == 0;
  close(file);
  if (may_grow && is_empty) return;
  unlink(path.c_str());
  fail(path, "can't have the size that it needs", error);
}

/// A file's contents, or a directory's names, to the disk.
void synchronize(std::string const& path, int flags) {
  int const file = open(path.c_str(), flags | O_CLOEXEC);
  if (file < 0) fail(path, "can't be opened");
  int const error = fsync(file) == 0 ? 0 : errno;
  close(file);
  // Some file systems keep names safe by themselves, and refuse to sync a directory.
  bool const is_directory = (flags & O_DIRECTORY) != 0;
  if (error != 0 && !(is_directory && error == EINVAL)) fail(path, "can't be written", error);
}

}  // namespace

void require_room(std::string const& path, std::uint64_t bytes) {
  struct statvfs disk {};
  // Some file systems can't tell; writing will.
  if (statvfs(directory_of(path).c_str(), &disk) != 0 || disk.f_blocks == 0) return;
  auto const free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (free < bytes)
    throw FileError(fmt::format("{}: needs {:.1f} MB, but its disk has {:.1f} MB left; make room",
                                path, static_cast<double>(bytes) * 1e-6,
                                static_cast<double>(free) * 1e-6));
}

Replacement::Replacement(std::string path, std::uint64_t bytes)
    : path_(std::move(path)), partial_(partial_path(path_)) {
  require_room(path_, bytes);
  create(partial_, bytes);
}

Replacement::~Replacement() {
  if (!is_committed_) unlink(partial_.c_str());
}

void Replacement::commit() {
  auto const directory = directory_of(path_);
  synchronize(partial_, O_RDWR);
  synchronize(directory, O_RDONLY | O_DIRECTORY);
  if (std::rename(partial_.c_str(), path_.c_str()) != 0) fail(path_, "can't be replaced");
  is_committed_ = true;
  synchronize(directory, O_RDONLY | O_DIRECTORY);
}

}  // namespace kyrtos::io
