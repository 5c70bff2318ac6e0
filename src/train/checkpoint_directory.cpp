// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "checkpoint_directory.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/parallel/agreement.hpp>

#include "io/files/replacement.hpp"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace kyrtos::train {

namespace fs = std::filesystem;

std::string CheckpointDirectory::path_of(Index step) const {
  return io::checkpoint_path(path_, step);
}

std::vector<std::string> CheckpointDirectory::list() const {
  std::string lines;
  if (ranks_.is_root())
    for (auto const& path : io::list_checkpoints(path_)) lines += path + "\n";
  std::istringstream text(ranks_.broadcast(lines));
  std::vector<std::string> paths;
  for (std::string line; std::getline(text, line);) paths.push_back(line);
  return paths;
}

void CheckpointDirectory::add(std::string const& file) {
  std::erase(own_, file);
  own_.push_back(file);
}

void CheckpointDirectory::clean() const {
  parallel::on_root<FileError>(ranks_, [&] {
    std::vector<fs::path> partial;
    for (auto const& entry : fs::directory_iterator(path_))
      if (entry.path().string().ends_with(io::partial_path(".h5"))) partial.push_back(entry.path());
    for (auto const& file : partial) fs::remove(file);
  });
}

void CheckpointDirectory::require_room(Index count, std::uint64_t bytes) const {
  parallel::on_root<FileError>(ranks_, [&] {
    auto const present = static_cast<Index>(own_.size());
    Index const beside =
        std::max<Index>(keep_ + 1 - present, 1);  // a new one before an old one goes
    Index const most = keep_ > 0 ? std::min(count, beside) : count;
    io::require_room(path_of(0), static_cast<std::uint64_t>(most) * bytes);
    io::Replacement const attempt(path_of(0), bytes);
  });
}

void CheckpointDirectory::put_aside(std::vector<std::string> const& files) const {
  std::error_code ignored;
  if (ranks_.is_root())
    for (auto const& path : files) fs::rename(path, path + ".damaged", ignored);
}

void CheckpointDirectory::keep_as_best(std::string const& file) const {
  parallel::on_root<FileError>(ranks_, [&] {
    auto const best = path_ + "/best.h5", partial = io::partial_path(best);
    std::error_code no_links;
    fs::remove(partial);
    fs::create_hard_link(file, partial, no_links);
    if (no_links) fs::copy_file(file, partial);
    fs::rename(partial, best);
  });
}

void CheckpointDirectory::remove_old() {
  if (keep_ == 0) return;
  std::error_code ignored;
  for (; own_.size() > static_cast<std::size_t>(keep_); own_.pop_front())
    if (ranks_.is_root()) fs::remove(own_.front(), ignored);
}

}  // namespace kyrtos::train
