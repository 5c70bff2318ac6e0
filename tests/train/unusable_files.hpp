// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/run_training.hpp>

#include "../support/without_privileges.hpp"
#include "tiny_run.hpp"

#include <hdf5.h>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <sys/file.h>
#include <sys/stat.h>

// What a run can't use stops it before its first step, and is left as it was.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

/// Counts the steps, and remembers where they began.
struct StepCounter final : train::RunObserver {
  Index first = -1, steps = 0;

  void started(train::RunPlan const& plan) override { first = plan.first_step; }
  void stepped(train::StepReport const&) override { ++steps; }
};

/// Why a run can't start, or go on.
inline std::string fault_of(TinyRun const& run, train::Resume resume = train::Resume::never) {
  StepCounter counter;
  auto const words = failure<Error>(
      [&] { train::run_training<float>(run.context, run.config, {.resume = resume}, counter); });
  CHECK(counter.steps == 0);
  CHECK(words.find('\n') == std::string::npos);
  return words;
}

/// A run with checkpoints of steps 10 and 20; a test makes the newest one unusable.
struct TwoCheckpoints {
  TinyRun run;
  Communicator ranks = run.context.communicator();
  std::string older = io::checkpoint_path(run.config.output.directory + "/checkpoints", 10);
  std::string newest = io::checkpoint_path(run.config.output.directory + "/checkpoints", 20);

  TwoCheckpoints()
      : run({"training.steps=20", "output.checkpoint_every=10", "output.keep_checkpoints=0"}) {
    StepCounter counter;
    train::run_training<float>(run.context, run.config, {}, counter);
    ranks.barrier();
  }

  /// work() on rank 0, while the others wait.
  template <class Work>
  void on_root(Work const& work) const {
    if (ranks.is_root()) work();
    ranks.barrier();
  }

  /// Why the run can't go on; both files must stay as they are.
  std::string fault() const {
    auto const old = contents_of(older), young = contents_of(newest);
    auto const words = fault_of(run, train::Resume::if_there);
    ranks.barrier();
    CHECK(contents_of(older) == old);
    CHECK(contents_of(newest) == young);
    CHECK_FALSE(fs::exists(older + ".damaged"));
    CHECK_FALSE(fs::exists(newest + ".damaged"));
    return words;
  }
};

TEST_CASE("a checkpoint that another program has open stops a run, and stays", "[unusable_files]") {
  if (std::getenv("HDF5_USE_FILE_LOCKING") != nullptr) return;
  TwoCheckpoints const it;
  FILE* const holder = std::fopen(it.newest.c_str(), "r");
  it.on_root([&] { CHECK(flock(fileno(holder), LOCK_EX) == 0); });
  CHECK_THAT(it.fault(), ContainsSubstring("step-00000020.h5: can't be opened") &&
                             ContainsSubstring("another program has the file open: close it"));
  std::fclose(holder);
  it.ranks.barrier();
  StepCounter counter;
  train::run_training<float>(it.run.context, it.run.config, {.resume = train::Resume::must},
                             counter);
  CHECK(counter.first == 20);
}

TEST_CASE("a checkpoint of a newer version stops a run, and stays", "[unusable_files]") {
  TwoCheckpoints const it;
  it.on_root([&] {
    hid_t const file = H5Fopen(it.newest.c_str(), H5F_ACC_RDWR, H5P_DEFAULT),
                version = H5Aopen(file, "version", H5P_DEFAULT);
    std::int64_t const next = 1000;
    H5Awrite(version, H5T_NATIVE_INT64, &next);
    H5Aclose(version);
    H5Fclose(file);
  });
  CHECK_THAT(it.fault(), ContainsSubstring("has version 1000 of the format") &&
                             ContainsSubstring("update Kyrtos") &&
                             ContainsSubstring("move it away"));
}

TEST_CASE("a checkpoint that this user may not read stops a run, and stays", "[unusable_files]") {
  TwoCheckpoints const it;
  auto const& directory = it.run.config.output.directory;
  it.on_root([&] {  // all but the checkpoint may be written by anybody
    for (auto const& path : {it.run.directory.path(), directory, directory + "/checkpoints"})
      chmod(path.c_str(), 0777);
    chmod(it.newest.c_str(), 0);
  });
  std::string words;
  {
    WithoutPrivileges const nobody;
    if (!nobody.works()) return;
    words = fault_of(it.run, train::Resume::if_there);
    it.ranks.barrier();
  }
  CHECK_THAT(words, ContainsSubstring("step-00000020.h5: can't be opened: Permission denied"));
  CHECK(fs::exists(it.newest));
}

TEST_CASE("a foreign file in a checkpoint's place stops a run, and stays", "[unusable_files]") {
  TwoCheckpoints const it;
  it.on_root([&] {
    std::ofstream(it.newest) << "version https://git-lfs.github.com/spec/v1\noid sha256:1\n";
  });
  CHECK_THAT(it.fault(), ContainsSubstring("looks like a pointer of git LFS") &&
                             ContainsSubstring("git lfs pull"));
}

TEST_CASE("without a good checkpoint, damaged ones keep their names", "[unusable_files]") {
  TwoCheckpoints const it;
  it.on_root([&] {
    for (auto const& path : {it.older, it.newest}) fs::resize_file(path, fs::file_size(path) / 2);
  });
  CHECK_THAT(it.fault(), ContainsSubstring("none of the 2 checkpoints") &&
                             ContainsSubstring("step-00000020.h5"));
}

TEST_CASE("data that do not fit the model are found before the first step", "[unusable_files]") {
  TinyRun run;
  auto const fault = [&](std::string const& name, std::string const& bytes, Index vocabulary) {
    run.config.data.train = {run.directory.write(name, bytes)};
    run.config.model.vocabulary = vocabulary;
    auto const words = fault_of(run);
    CHECK_FALSE(fs::exists(run.config.output.directory + "/metrics.jsonl"));
    return words;
  };
  std::string tokens, wide;  // 0, 1, …, 999 as uint16, and as uint32
  for (int i = 0; i < 1000; ++i) {
    std::string const token{static_cast<char>(i % 256), static_cast<char>(i / 256)};
    tokens += token;
    wide += token + std::string(2, '\0');
  }
  CHECK_THAT(fault("text.txt", some_text(), 50257), ContainsSubstring("is read as bytes"));
  CHECK_THAT(fault("t.bin", tokens, 999),
             ContainsSubstring("t.bin: token 999 at position 999 is outside"));
  CHECK_THAT(fault("w.bin", wide, 1000), ContainsSubstring("set data.format = \"tokens32\""));
  CHECK_THAT(fault("t.txt.gz", "\x1f\x8b\x08" + std::string(1000, '\0'), 256),
             ContainsSubstring("looks like a gzip file, but a text is needed; unpack it"));
  CHECK_THAT(fault("z.bin", std::string(4000, '\0'), 1000), ContainsSubstring("nothing to learn"));
  run.config.data.validation = {run.directory.write("v.bin", wide)};
  CHECK_THAT(fault("t.bin", tokens, 1000), ContainsSubstring("v.bin: looks like tokens of uint32"));
}

}  // namespace kyrtos::testing
