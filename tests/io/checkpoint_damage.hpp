// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>

#include "io/checkpoint_files.hpp"
#include "support/file_size_limit.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <sys/file.h>
#include <unistd.h>

// A file that is damaged is refused or reads as it was written; a write that fails says so on
// every rank and leaves the old file as it was.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
using Scalar = KYRTOS_TEST_SCALAR;
namespace fs = std::filesystem;

/// Reads a file whatever it is. \return what was wrong; empty if all came back as written.
inline std::string outcome(Communicator const& ranks, std::string const& path,
                           SmallCheckpoint<Scalar> const& written) {
  try {
    return reads_back(ranks, path, written) ? "" : "OTHER VALUES";
  } catch (FileError const& error) {
    return error.what();
  }
}

TEST_CASE("a file that is cut off anywhere is refused", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> const written;
  written.write(ranks, directory / "whole.h5");
  auto const whole = directory.read("whole.h5");
  for (std::size_t i = 0; i < 60; ++i) {
    // Some at random; and around the start and the end.
    std::size_t const size = i < 20   ? Philox{5, 1}.bits(i) % whole.size()
                             : i < 40 ? (i - 20) * 3
                                      : whole.size() - (i - 39);
    auto const path = directory.write("cut.h5", whole.substr(0, size));
    INFO(size << " of " << whole.size() << " bytes");
    auto const words = outcome(ranks, path, written);
    CHECK_THAT(words, size > 0 ? ContainsSubstring("cut.h5: can't be opened: ")
                               : ContainsSubstring("cut.h5: is empty"));
    if (size > 0) CHECK_THAT(words, ContainsSubstring("it is cut off"));
    CHECK(failure<FileError>([&] { io::verify_checkpoint(ranks, path); }) == words);
  }
}

TEST_CASE("a flipped bit is found, or is where nothing is", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> const written;
  written.write(ranks, directory / "whole.h5");
  auto bytes = directory.read("whole.h5");
  int found = 0, unverified = 0;
  for (std::size_t i = 0; i < 200; ++i) {
    auto const bit = Philox{6, 1}.bits(i) % (8 * bytes.size());
    auto const mask = static_cast<char>(1 << bit % 8);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    auto const path = directory.write("flipped.h5", bytes);
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ mask);
    INFO("bit " << bit % 8 << " of byte " << bit / 8);
    auto const words = outcome(ranks, path, written);
    CHECK((words.empty() || words.find("flipped.h5: ") != std::string::npos));
    found += words.empty() ? 0 : 1;
    bool const refused = !failure<FileError>([&] { io::verify_checkpoint(ranks, path); }).empty();
    unverified += !words.empty() && !refused ? 1 : 0;
  }
  CHECK(found > 50);  // most of a small file is in use
  CHECK(unverified == 0);
}

TEST_CASE("files that are something else are named", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> const written;
  directory.write("text.h5", std::string(5000, 'x'));
  CHECK_THAT(outcome(ranks, directory / "absent.h5", written),
             ContainsSubstring("absent.h5: can't be opened: No such file"));
  CHECK_THAT(
      outcome(ranks, directory / "text.h5", written),
      ContainsSubstring("text.h5: looks like plain text, but a checkpoint (HDF5) is needed"));
  CHECK_THAT(outcome(ranks, directory.path(), written), ContainsSubstring("is a directory"));
}

TEST_CASE("a lock is named as the reason, with the way around it", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  if (std::getenv("HDF5_USE_FILE_LOCKING") != nullptr) return;
  TemporaryDirectory const directory(ranks);
  SmallCheckpoint<Scalar> const written;
  auto const path = directory / "locked.h5";
  written.write(ranks, path);
  FILE* const holder = std::fopen(path.c_str(), "r");
  if (ranks.is_root()) CHECK(flock(fileno(holder), LOCK_EX) == 0);
  CHECK_THAT(outcome(ranks, path, written), ContainsSubstring("HDF5_USE_FILE_LOCKING=FALSE"));
  std::fclose(holder);
  CHECK(outcome(ranks, path, written).empty());
}

/// Counts what HDF5 would print.
inline herr_t count_print(hid_t, void* count) {
  ++*static_cast<int*>(count);
  return 0;
}

TEST_CASE("HDF5 prints nothing, and the host program's choice stays", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  TemporaryDirectory const directory(ranks);
  int printed = 0;
  H5E_auto2_t before = nullptr, after = nullptr;
  void *before_data = nullptr, *after_data = nullptr;
  H5Eget_auto2(H5E_DEFAULT, &before, &before_data);
  H5Eset_auto2(H5E_DEFAULT, count_print, &printed);
  auto const path = directory.write("text.h5", "x");
  CHECK(!outcome(ranks, path, {}).empty());
  H5Eget_auto2(H5E_DEFAULT, &after, &after_data);
  CHECK(printed == 0);
  CHECK(after == count_print);
  CHECK(after_data == &printed);
  H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  CHECK(printed == 1);
  H5Eset_auto2(H5E_DEFAULT, before, before_data);
}

// ---- Writes that fail --------------------------------------------------------------------------

/// A checkpoint whose replacement fails: the old one must stay as it is, and nothing beside it.
class OldCheckpoint {
 public:
  explicit OldCheckpoint(Communicator const& ranks) : ranks_(ranks), directory_(ranks) {
    old_.moment = old_.parameters;
    restore();
  }

  void restore() const { old_.write(ranks_, directory_ / "it.h5"); }

  TemporaryDirectory const& directory() const { return directory_; }

  /// \return what the failed write to `name` says, the same on every rank; empty if it did not
  /// fail.
  std::string failure_to_write(std::string const& name = "it.h5") const {
    SmallCheckpoint<Scalar> const written;
    auto const words = failure<FileError>([&] { written.write(ranks_, directory_ / name); });
    CHECK(ranks_.broadcast(words) == words);
    ranks_.barrier();
    CHECK(!fs::exists(directory_ / (name + ".partial")));
    bool const replaced = words.empty() && name == "it.h5";
    CHECK(outcome(ranks_, directory_ / "it.h5", replaced ? written : old_).empty());
    return words;
  }

 private:
  Communicator ranks_;
  TemporaryDirectory directory_;
  SmallCheckpoint<Scalar> old_;
};

TEST_CASE("directories that can't be written to", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  OldCheckpoint const old(ranks);
  auto const& directory = old.directory();
  CHECK_THAT(old.failure_to_write("it.h5/below.h5"),
             ContainsSubstring("below.h5.partial: can't be created: Not a directory; give a dir"));
  CHECK_THAT(old.failure_to_write("absent/it.h5"), ContainsSubstring("No such file or directory"));
  CHECK(!fs::exists(directory / "absent"));
}

TEST_CASE("a name that can't be taken once all is written", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  OldCheckpoint const old(ranks);
  auto const name = old.directory() / "taken.h5";
  if (ranks.is_root()) fs::create_directories(name + "/x");
  CHECK_THAT(old.failure_to_write("taken.h5"), ContainsSubstring("taken.h5: is a directory"));
  CHECK(fs::is_directory(name + "/x"));
}

TEST_CASE("a file that may not become long enough", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  OldCheckpoint const old(ranks);
  std::string words;
  {
    FileSizeLimit const limit(4096);
    words = old.failure_to_write();
  }
  CHECK_THAT(words, ContainsSubstring("it.h5.partial: can't have the 0.0") &&
                        ContainsSubstring(" MB that it needs: File too large; raise the limit"));
}

TEST_CASE("values that one rank can't write", "[checkpoint]") {
  Communicator const ranks(MPI_COMM_WORLD);
  if (ranks.size() == 1) return;
  OldCheckpoint const old(ranks);
  auto const size = old.directory().read("it.h5").size();
  // Rank 0 makes the file and finds nothing wrong; the others find that they can't write to it, or
  // not all that is theirs.
  for (std::size_t limit = 512; limit < size; limit += size / 8) {
    std::string words;
    {
      std::optional<FileSizeLimit> tight;
      if (!ranks.is_root()) tight.emplace(limit);
      words = old.failure_to_write();
    }
    if (limit == 512 || !words.empty())
      CHECK_THAT(words,
                 ContainsSubstring("it.h5.partial: can't be written: File too large; raise"));
    old.restore();
  }
}

}  // namespace kyrtos::testing
