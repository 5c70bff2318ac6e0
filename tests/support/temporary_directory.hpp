// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace kyrtos::testing {

inline std::string contents_of(std::string const& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// A directory that all ranks share and that goes away with its contents. Collective.
class TemporaryDirectory {
 public:
  explicit TemporaryDirectory(Communicator const& ranks) : ranks_(ranks) {
    std::string path = (std::filesystem::temp_directory_path() / "kyrtos-test-XXXXXX").string();
    if (ranks.is_root() && mkdtemp(path.data()) == nullptr) path.clear();
    path_ = ranks.broadcast(path);
  }
  ~TemporaryDirectory() {
    ranks_.barrier();
    if (ranks_.is_root()) std::filesystem::remove_all(path_);
  }
  TemporaryDirectory(TemporaryDirectory const&) = delete;
  TemporaryDirectory& operator=(TemporaryDirectory const&) = delete;

  std::string operator/(std::string const& name) const { return path_ + "/" + name; }
  std::string const& path() const { return path_; }

  /// Writes a file on rank 0, once all ranks are here and before any goes on. \return its path.
  std::string write(std::string const& name, std::string const& bytes) const {
    ranks_.barrier();
    if (ranks_.is_root())
      std::ofstream(*this / name, std::ios::binary)
          .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    ranks_.barrier();
    return *this / name;
  }

  std::string read(std::string const& name) const { return contents_of(*this / name); }

 private:
  Communicator ranks_;
  std::string path_;
};

/// The message with which `action` fails by E; empty when it doesn't.
template <class E, class Action>
std::string failure(Action const& action) {
  try {
    action();
  } catch (E const& error) {
    return error.what();
  }
  return {};
}

}  // namespace kyrtos::testing
