// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "replacement.hpp"

#include <kyrtos/core/error.hpp>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <vector>

namespace kyrtos::io {

namespace {

char const* advice_for(int error) {
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

[[noreturn]] void fail(std::string const& path, std::string const& what, int error = errno) {
  throw FileError(
      fmt::format("{}: {}: {}; {}", path, what, std::strerror(error), advice_for(error)));
}

double megabytes(std::uint64_t bytes) {
  return static_cast<double>(bytes) * 1e-6;
}

std::string directory_of(std::string const& path) {
  auto const directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

/// Takes so many bytes of the disk; some file systems can't, and writing will tell.
bool reserve(int file, std::uint64_t bytes) {
  if (bytes == 0 || fallocate(file, 0, 0, static_cast<off_t>(bytes)) == 0) return true;
  return errno != ENOSPC && errno != EDQUOT && errno != EFBIG;
}

/// An empty file of a new name, for what is not to be renamed.
std::string make_temporary() {
  std::string name = (std::filesystem::temp_directory_path() / "kyrtos-XXXXXX").string();
  int const file = mkstemp(name.data());
  if (file < 0) fail(name, "can't be created");
  close(file);
  return name;
}

/// Links to what processes have open, as /dev/stdout is one, don't say what they mean by name.
bool is_of_a_process(std::filesystem::path const& path) {
  return path.native().starts_with("/proc/");
}

[[noreturn]] void fail_for_room(std::string const& path, std::uint64_t bytes, int error) {
  fail(path, fmt::format("can't have the {:.3g} MB that it needs", megabytes(bytes)), error);
}

/// A file of so many zeros.
void create(std::string const& path, std::uint64_t bytes) {
  int const file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0666);
  if (file < 0) fail(path, "can't be created");
  bool const has_room = ftruncate(file, static_cast<off_t>(bytes)) == 0 && reserve(file, bytes);
  int const error = errno;
  close(file);
  if (has_room) return;
  unlink(path.c_str());
  fail_for_room(path, bytes, error);
}

/// A directory's names to the disk.
void synchronize_names(std::string const& directory) {
  int const file = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (file < 0) fail(directory, "can't be opened");
  int const error = fsync(file) == 0 ? 0 : errno;
  close(file);
  // Some file systems keep names safe by themselves, and refuse.
  if (error != 0 && error != EINVAL) fail(directory, "can't be written", error);
}

}  // namespace

OutputTarget output_target(std::string const& path) {
  namespace fs = std::filesystem;
  if (path.empty()) throw FileError("the path of a file to write is empty; name one");
  std::error_code error;
  auto const status = fs::status(path, error);
  if (fs::is_directory(status))
    throw FileError(path + ": is a directory; give the path of a file in it");
  if (fs::exists(status) && !fs::is_regular_file(status)) return {path, false};
  fs::path place = path;
  constexpr int most_links = 40;
  for (int i = 0; i < most_links && fs::is_symlink(fs::symlink_status(place, error)); ++i) {
    if (is_of_a_process(place)) return {path, false};
    place = place.parent_path() / fs::read_symlink(place, error);
  }
  return {place.string(), true};
}

void require_writable(std::string const& path, std::uint64_t bytes) {
  if (output_target(path).is_plain)
    Replacement const attempt(path, bytes);
  else if (access(path.c_str(), W_OK) != 0)
    fail(path, "can't be written");
}

void require_room(std::string const& path, std::uint64_t bytes) {
  struct statvfs disk {};
  // Some file systems can't tell; writing will.
  if (statvfs(directory_of(path).c_str(), &disk) != 0 || disk.f_blocks == 0) return;
  auto const free = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
  if (free < bytes)
    throw FileError(fmt::format("{}: needs {:.3g} MB, but its disk has {:.3g} MB left; make room",
                                path, megabytes(bytes), megabytes(free)));
}

FileWriter::FileWriter(std::string path)
    : path_(std::move(path)), descriptor_(::open(path_.c_str(), O_WRONLY | O_CLOEXEC)) {
  if (descriptor_ < 0) fail(path_, "can't be opened");
}

FileWriter::~FileWriter() {
  close(descriptor_);
}

void FileWriter::write(std::uint64_t place, std::span<std::byte const> bytes) const {
  constexpr std::size_t longest = std::size_t{1} << 30;  // Linux writes less than 2 GiB at once
  while (!bytes.empty()) {
    auto const count = pwrite(descriptor_, bytes.data(), std::min(bytes.size(), longest),
                              static_cast<off_t>(place));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail(path_, "can't be written", count < 0 ? errno : ENOSPC);
    place += static_cast<std::uint64_t>(count);
    bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
}

void FileWriter::synchronize() const {
  if (fsync(descriptor_) != 0) fail(path_, "can't be written");
}

Replacement::Replacement(std::string path, std::uint64_t bytes)
    : target_(output_target(path)),
      partial_(target_.is_plain ? partial_path(target_.path) : make_temporary()) {
  require_room(partial_, bytes);
  create(partial_, bytes);
}

Replacement::~Replacement() {
  if (!is_committed_) unlink(partial_.c_str());
}

void Replacement::resize(std::uint64_t bytes) {
  if (truncate(partial_.c_str(), static_cast<off_t>(bytes)) != 0)
    fail_for_room(partial_, bytes, errno);
}

void Replacement::copy_to_stream() const {
  int const from = ::open(partial_.c_str(), O_RDONLY | O_CLOEXEC);
  if (from < 0) fail(partial_, "can't be opened");
  int const to = ::open(target_.path.c_str(), O_WRONLY | O_CLOEXEC);
  int error = to < 0 ? errno : 0;
  std::vector<char> buffer(std::size_t{1} << 20);
  for (ssize_t read = 1; error == 0 && (read = ::read(from, buffer.data(), buffer.size())) != 0;) {
    if (read < 0) error = errno;
    for (ssize_t done = 0; error == 0 && done < read;) {
      auto const count = ::write(to, buffer.data() + done, static_cast<std::size_t>(read - done));
      if (count < 0 && errno != EINTR) error = errno;
      if (count > 0) done += count;
    }
  }
  close(from);
  if (to >= 0 && close(to) != 0 && error == 0) error = errno;
  if (error != 0) fail(target_.path, "can't be written", error);
}

void Replacement::commit() {
  if (!target_.is_plain) return copy_to_stream();
  auto const directory = directory_of(target_.path);
  FileWriter(partial_).synchronize();
  synchronize_names(directory);
  if (std::rename(partial_.c_str(), target_.path.c_str()) != 0)
    fail(target_.path, "can't be replaced");
  is_committed_ = true;
  synchronize_names(directory);
}

void write_text_file(std::string const& path, std::string const& text) {
  Replacement replacement(path, text.size());
  FileWriter(replacement.partial()).write(0, std::as_bytes(std::span(text)));
  replacement.commit();
}

}  // namespace kyrtos::io
