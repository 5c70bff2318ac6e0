// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/core/types.hpp>

#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace kyrtos::train {

/// The checkpoints of a run, `step-<number>.h5` in one directory. Rank 0 does the work; every
/// function but path_of() and add() is collective.
class CheckpointDirectory {
 public:
  /// \param keep how many of them stay when new ones come; 0: all.
  CheckpointDirectory(Communicator const& ranks, std::string path, Index keep)
      : ranks_(ranks), path_(std::move(path)), keep_(keep) {}

  std::string const& path() const { return path_; }
  std::string path_of(Index step) const;

  /// Newest first, as rank 0 sees them: on some file systems ranks disagree for a moment.
  std::vector<std::string> list() const;

  /// A checkpoint of this run, newer than those before it: only such are removed by remove_old().
  void add(std::string const& file);

  /// Removes what a run that was killed left half-written.
  void clean() const;

  /// \throws FileError when it can't be written, or when its disk has no room for so many
  /// checkpoints to come, as long as they are kept, of so many bytes.
  void require_room(Index count, std::uint64_t bytes) const;

  /// Damaged files, so that they neither count among those to keep nor are lost.
  void put_aside(std::vector<std::string> const& files) const;

  void remove_old();

  /// Makes a checkpoint of this directory `best.h5` too: a second name of the same file where the
  /// file system has such, else a copy. \throws FileError
  void keep_as_best(std::string const& file) const;

 private:
  Communicator ranks_;
  std::string path_;
  Index keep_;
  std::deque<std::string> own_;  // the oldest first
};

}  // namespace kyrtos::train
