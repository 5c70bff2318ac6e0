// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace kyrtos::io {

/// Where a file is written before it takes its name.
inline std::string partial_path(std::string const& path) {
  return path + ".partial";
}

/// Where output to a path goes.
struct OutputTarget {
  std::string path;      ///< With symbolic links followed, which so stay.
  bool is_plain = true;  ///< A file, or none yet; else a device, pipe or the like.
};

/// \throws FileError for a directory.
OutputTarget output_target(std::string const& path);

/// That a Replacement of so many bytes would succeed now: better known before the work than after.
/// Leaves nothing behind. \throws FileError
void require_writable(std::string const& path, std::uint64_t bytes);

/// \throws FileError when the disk of this file has less than `bytes` free, and can tell.
void require_room(std::string const& path, std::uint64_t bytes);

/// A file that is there already, open for writing. What fails is a FileError that names the file,
/// the fault and the fix. Any thread may use it.
class FileWriter {
 public:
  explicit FileWriter(std::string path);
  ~FileWriter();
  FileWriter(FileWriter const&) = delete;
  FileWriter& operator=(FileWriter const&) = delete;

  /// All of them, from this place of the file on.
  void write(std::uint64_t place, std::span<std::byte const> bytes) const;

  /// Brings what was written to the disk.
  void synchronize() const;

 private:
  std::string path_;
  int descriptor_;
};

/// A file that is complete under its name or not there: written beside it as `<path>.partial`,
/// then renamed. What was under the name before stays until then, and for good if anything fails.
/// A symbolic link stays, and the file that it points to is replaced. What is not a plain file,
/// such as a device or a pipe, is never replaced: the file is made in the system's directory for
/// temporary files, and its bytes are written to the device.
class Replacement {
 public:
  /// Makes the partial file, of `bytes` zeros, whose room on the disk is taken at once where the
  /// file system can do that. \throws FileError, with the fix, when the directory is absent or
  /// can't be written, or when the disk has no room for it.
  Replacement(std::string path, std::uint64_t bytes);

  /// Removes the partial file, unless it has been committed.
  ~Replacement();
  Replacement(Replacement const&) = delete;
  Replacement& operator=(Replacement const&) = delete;

  std::string const& partial() const { return partial_; }

  /// Gives back what it does not need, as a rule. \throws FileError
  void resize(std::uint64_t bytes);

  /// Brings the file and its name to the disk. \throws FileError
  void commit();

 private:
  void copy_to_stream() const;

  OutputTarget target_;
  std::string partial_;
  bool is_committed_ = false;
};

/// A text as such a file. \throws FileError
void write_text_file(std::string const& path, std::string const& text);

}  // namespace kyrtos::io
