// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>
#include <kyrtos/io/batch_file.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/io/damaged_file_error.hpp>
#include <kyrtos/io/safetensors.hpp>
#include <kyrtos/io/token_dataset.hpp>
#include <kyrtos/train/config.hpp>
#include <kyrtos/train/run_record.hpp>

#include "support/foreign_files.hpp"
#include "support/temporary_directory.hpp"
#include "support/without_privileges.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <functional>
#include <map>
#include <set>
#include <sys/stat.h>

// Every reader says in one line what it has been given in place of its own file.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

struct Reader {
  std::function<void(std::string const&)> read;
  std::set<std::string> takes = {};  ///< Which of the foreign files, or it has words of its own.
};

inline std::map<std::string, Reader> readers() {
  using Kind = io::CheckpointReader::Kind;
  auto const self = Communicator(MPI_COMM_SELF);
  std::set<std::string> const text{"a web page (HTML)",
                                   "XML",
                                   "the index of a model's safetensors files (JSON)",
                                   "JSON",
                                   "plain text",
                                   "text that is not UTF-8",
                                   "UTF-16 text",
                                   "nothing but zeros",
                                   "binary data of no known format"};
  return {
      {"checkpoint", {[=](auto const& path) { io::CheckpointReader(self, path); }}},
      {"verification", {[=](auto const& path) { io::verify_checkpoint(self, path); }}},
      {"vectors", {[=](auto const& path) { io::CheckpointReader(self, path, Kind::vectors); }}},
      {"batch", {[=](auto const& path) { io::read_batch_file(self, path, 256); }}},
      {"safetensors", {[](auto const& path) { io::SafetensorsFile{path}; }}},
      {"record", {[](auto const& path) { train::read_run(path); }, {"is empty"}}},
      {"configuration", {[](auto const& path) { train::load_config(path); }, {"plain text"}}},
      {"config.json",
       {[](auto const& path) { hugging_face::read_config(path); },
        {"JSON", "the index of a model's safetensors files (JSON)"}}},
      {"text", {[](auto const& path) { io::TokenDataset({path}); }, text}},
      {"tokens",
       {[](auto const& path) { io::TokenDataset({path}, io::TokenFormat::uint16); },
        {"text that is not UTF-8", "UTF-16 text", "nothing but zeros",
         "binary data of no known format"}}},
  };
}

/// Why the reader refuses a file, which must be said in one line that names it.
inline std::string refusal(Reader const& reader, std::string const& path) {
  auto const words = failure<Error>([&] { reader.read(path); });
  CHECK_THAT(words, StartsWith(path + ":"));
  CHECK(words.find('\n') == std::string::npos);
  CHECK(words.size() < path.size() + 300);
  return words;
}

TEST_CASE("every reader says what a foreign file looks like", "[foreign_files]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  for (auto const& file : foreign_files()) {
    auto const path = directory.write("file", file.bytes);
    for (auto const& [name, reader] : readers()) {
      if (reader.takes.count(file.words) > 0) continue;
      INFO(name << " given " << file.words);
      CHECK_THAT(refusal(reader, path), ContainsSubstring(file.words));
    }
  }
}

TEST_CASE("every reader tells what is not there, a directory or not to be read",
          "[foreign_files]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const secret = directory.write("secret", "x"), pipe = directory / "pipe";
  chmod(secret.c_str(), 0);
  chmod(directory.path().c_str(), 0755);
  mkfifo(pipe.c_str(), 0600);
  for (auto const& [name, reader] : readers()) {
    INFO(name);
    CHECK_THAT(refusal(reader, directory / "absent"),
               ContainsSubstring("absent: can't be opened: No such file or directory"));
    if (name != "record")  // for which a directory is a run's
      CHECK_THAT(refusal(reader, directory.path()), ContainsSubstring("is a directory, but"));
    if (name != "configuration")  // which may come from a pipe
      CHECK_THAT(refusal(reader, pipe), ContainsSubstring("is a pipe or a device, but"));
    WithoutPrivileges const nobody;
    if (nobody.works())
      CHECK_THAT(refusal(reader, secret),
                 ContainsSubstring("can't be opened: Permission denied; ask its owner"));
  }
}

/// Whether another copy of the file would do.
inline bool is_damaged(std::string const& path) {
  try {
    io::CheckpointReader const reader(Communicator(MPI_COMM_SELF), path);
  } catch (io::DamagedFileError const&) {
    return true;
  } catch (FileError const&) {
  }
  return false;
}

TEST_CASE("what is damage, and what another file", "[foreign_files]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const whole = "\x89HDF\r\n\x1a\n" + std::string(60, '\3');
  for (std::size_t size = 0; size < 48; ++size) {
    INFO(size);
    CHECK(is_damaged(directory.write("cut.h5", whole.substr(0, size))));
  }
  // One byte of the signature is another one: no other format has that.
  CHECK(is_damaged(directory.write("bit.h5", "\x89HDG\r\n\x1a\n" + noise(200))));
  for (auto const& file : foreign_files()) {
    INFO(file.words);
    if (!file.bytes.empty()) CHECK_FALSE(is_damaged(directory.write("file.h5", file.bytes)));
  }
}

}  // namespace kyrtos::testing
