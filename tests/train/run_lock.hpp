// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>

#include "../../src/train/lock_holder.hpp"
#include "../../src/train/run_lock.hpp"
#include "listener.hpp"

#include <algorithm>
#include <atomic>
#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <thread>
#include <unistd.h>
#include <vector>

// One run a directory, also after kills, on other machines, and when several come at once.

namespace kyrtos::testing {

namespace fs = std::filesystem;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using train::LockTimes, train::RunLock;

constexpr LockTimes quick{.heartbeat = 20ms, .stale = 600ms};

/// A directory of this rank with a lock of someone in it.
struct LockedDirectory {
  TemporaryDirectory directory{Communicator(MPI_COMM_SELF)};
  train::LockHolder holder = train::this_holder();

  void lock() const { directory.write("lock", to_json(holder)); }
  std::string refusal() const {
    return failure<FileError>([&] { RunLock const lock(directory.path(), quick); });
  }
};

TEST_CASE("a directory has one lock at a time", "[run_lock]") {
  LockedDirectory const d;
  auto first = std::make_unique<RunLock>(d.directory.path(), quick);
  CHECK(first->taken_over().empty());
  auto const told = d.refusal();
  CHECK_THAT(told, ContainsSubstring(d.directory / "lock"));
  CHECK_THAT(told, ContainsSubstring("process " + std::to_string(getpid()) + " on "));
  CHECK(told.find('\n') == std::string::npos);
  auto const before = fs::last_write_time(first->path());
  std::this_thread::sleep_for(200ms);
  CHECK(fs::last_write_time(first->path()) > before);
  CHECK_FALSE(first->is_lost());
  first.reset();
  CHECK_FALSE(fs::exists(d.directory / "lock"));
  CHECK(RunLock(d.directory.path(), quick).taken_over().empty());
}

TEST_CASE("the lock of a process that is no more is taken over at once", "[run_lock]") {
  for (auto const& change : std::vector<std::function<void(train::LockHolder&)>>{
           [](auto& holder) { holder.pid = (1 << 22) + 1; },  // above what Linux gives
           [](auto& holder) { holder.started = "1"; },        // its number is another's now
           [](auto& holder) {
             holder = {.host = "elsewhere",
                       .pid = 1,
                       .machine = "",
                       .started = "",
                       .job = "SLURM job 7",
                       .restart = 1,
                       .since = "",
                       .mark = "1"};
           }}) {
    LockedDirectory d;
    change(d.holder);
    d.lock();
    setenv("SLURM_JOB_ID", "7", 1);
    setenv("SLURM_RESTART_COUNT", "2", 1);
    LockTimes const endless{.heartbeat = 10s, .stale = 10000s};
    RunLock const lock(d.directory.path(), endless);
    unsetenv("SLURM_JOB_ID");
    unsetenv("SLURM_RESTART_COUNT");
    CHECK_THAT(lock.taken_over(), ContainsSubstring("process " + std::to_string(d.holder.pid)));
    CHECK_FALSE(lock.is_lost());
  }
}

TEST_CASE("on another machine, only who gives no sign of life is dead", "[run_lock]") {
  LockedDirectory d;
  d.holder.host = "elsewhere";
  d.holder.machine = "another";
  d.lock();
  auto const began = std::chrono::steady_clock::now();
  int waits = 0;
  {
    RunLock const lock(d.directory.path(), quick, [&](std::string const& why) {
      CHECK_THAT(why, ContainsSubstring("elsewhere"));
      ++waits;
    });
    CHECK(std::chrono::steady_clock::now() - began >= quick.stale);
    CHECK(waits == 1);
    CHECK_THAT(lock.taken_over(), ContainsSubstring("elsewhere"));
  }
  d.lock();
  std::atomic<bool> is_over = false;
  std::thread heart([&] {
    for (; !is_over; std::this_thread::sleep_for(20ms))
      fs::last_write_time(d.directory / "lock", fs::file_time_type::clock::now());
  });
  auto const told = d.refusal();
  is_over = true;
  heart.join();
  CHECK_THAT(told, ContainsSubstring("elsewhere"));
  CHECK(d.directory.read("lock") == to_json(d.holder));
}

TEST_CASE("of many that come at once, one gets a dead run's lock", "[run_lock]") {
  LockedDirectory d;
  d.holder.pid = (1 << 22) + 1;
  for (int round = 0; round < 4; ++round) {
    d.lock();
    std::vector<std::unique_ptr<RunLock>> locks(8);
    std::vector<std::thread> threads;
    for (auto& lock : locks)
      threads.emplace_back([&] {
        failure<FileError>([&] { lock = std::make_unique<RunLock>(d.directory.path(), quick); });
      });
    for (auto& thread : threads) thread.join();
    CHECK(std::count_if(locks.begin(), locks.end(), [](auto const& l) { return l != nullptr; }) ==
          1);
    locks.clear();
    CHECK(fs::is_empty(d.directory.path()));
  }
}

TEST_CASE("who loses the lock learns it, and leaves it to its holder", "[run_lock]") {
  LockedDirectory const d;
  {
    RunLock const lock(d.directory.path(), quick);
    d.lock();
    for (int i = 0; i < 500 && !lock.is_lost(); ++i) std::this_thread::sleep_for(10ms);
    CHECK(lock.is_lost());
  }
  CHECK(d.directory.read("lock") == to_json(d.holder));
}

TEST_CASE("a file of that name which is none of ours stays", "[run_lock]") {
  LockedDirectory const d;
  d.directory.write("lock", "of my door");
  CHECK_THAT(d.refusal(), ContainsSubstring("is no run's lock"));
  CHECK(d.directory.read("lock") == "of my door");
  d.directory.write("lock", "");  // its maker was killed before it wrote
  CHECK_FALSE(RunLock(d.directory.path(), quick).taken_over().empty());
}

// ---- Runs --------------------------------------------------------------------------------------

TEST_CASE("a run has its directory for itself, and gives it back", "[run_lock]") {
  TinyRun run;
  auto const& directory = run.config.output.directory;
  Listener heard, second;
  heard.then = [&](train::StepReport const& report) {
    if (report.step != 4) return;
    for (auto const resume : {train::Resume::never, train::Resume::if_there}) {
      auto const told = failure<FileError>([&] { execute(run, second, {.resume = resume}); });
      CHECK_THAT(told, ContainsSubstring(directory + "/lock: another run has this directory"));
    }
  };
  CHECK(execute(run, heard).steps == 30);
  CHECK(second.steps.empty());
  CHECK(train::find_checkpoint(directory) == io::checkpoint_path(directory + "/checkpoints", 30));
  run.context.communicator().barrier();
  CHECK_FALSE(fs::exists(directory + "/lock"));
}

TEST_CASE("a run that has lost its directory ends without writing more", "[run_lock]") {
  TinyRun run({"output.checkpoint_every=7"});
  auto holder = train::this_holder();
  Listener heard;
  heard.then = [&](train::StepReport const& report) {
    if (report.step == 10) run.directory.write("run/lock", to_json(holder));
  };
  auto const told = failure<FileError>([&] { execute(run, heard); });
  CHECK_THAT(told, ContainsSubstring("run/lock: is gone, or another run's"));
  CHECK(heard.steps.size() == 14);
  CHECK(heard.saves.size() == 1);
  run.context.communicator().barrier();
  CHECK(fs::exists(run.directory / "run/lock"));
}

}  // namespace kyrtos::testing
