// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <unistd.h>
#include <vector>

/// \file
/// \brief What the fuzz targets share. A target reads what a user's file may hold, and either
/// succeeds or throws an Error that names the file; anything else is a finding.
///
/// Each target is a source file with LLVMFuzzerTestOneInput(), as libFuzzer wants it, and with
/// seeds() that the search starts from.

namespace kyrtos::fuzz {

/// Good files, and some that are nearly good.
std::vector<std::string> seeds();

/// Ends the process, as a crash would.
[[noreturn]] inline void finding(std::string const& what) {
  std::fprintf(stderr, "finding: %s\n", what.c_str());
  std::abort();
}

/// A file with these bytes, while it lives.
class File {
 public:
  File(std::string_view bytes, char const* ending)
      : path_((access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp") +
              ("/kyrtos-fuzz-" + std::to_string(getpid())) + ending) {
    std::FILE* const file = std::fopen(path_.c_str(), "wb");
    if (file == nullptr || std::fwrite(bytes.data(), 1, bytes.size(), file) != bytes.size() ||
        std::fclose(file) != 0)
      std::exit(2);
  }
  ~File() { unlink(path_.c_str()); }
  File(File const&) = delete;
  File& operator=(File const&) = delete;

  std::string const& path() const { return path_; }

 private:
  std::string path_;
};

/// Runs work(), which may refuse the file by an Error that names it. \return whether it did not.
template <class Work>
bool succeeds(std::string const& path, Work const& work) {
  try {
    work();
    return true;
  } catch (Error const& error) {
    std::string const words = error.what();
    if (words.find(path) == std::string::npos) finding("an error without the file: " + words);
    if (words.size() > 4000) finding("an error of " + std::to_string(words.size()) + " bytes");
    return false;
  } catch (std::exception const& error) {
    finding(std::string("an exception that is no Error: ") + error.what());
  }
}

inline std::string_view text_of(std::uint8_t const* data, std::size_t size) {
  return {reinterpret_cast<char const*>(data), size};
}

}  // namespace kyrtos::fuzz

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size);
