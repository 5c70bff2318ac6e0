// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "waiting.hpp"

#include "environment.hpp"
#include "machine.hpp"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>
#include <stop_token>

namespace kyrtos::program {

namespace {

using Clock = std::chrono::steady_clock;

/// Threads of OpenMP that sleep. While more of its threads live than there are cores, GCC's runtime
/// lets threads that wait spin for 100 turns instead of 300,000 (its manual, GOMP_SPINCOUNT): so
/// these, who do nothing, are there to be counted.
class SleepingTeam {
 public:
  explicit SleepingTeam(int threads) : team_([this, threads] { sleep(threads); }) {}
  SleepingTeam(SleepingTeam const&) = delete;
  SleepingTeam& operator=(SleepingTeam const&) = delete;
  ~SleepingTeam() {
    is_over_ = true;
    is_over_.notify_all();
  }

 private:
  void sleep([[maybe_unused]] int threads) {
#pragma omp parallel num_threads(threads)
    is_over_.wait(false);
  }

  std::atomic<bool> is_over_ = false;
  std::jthread team_;  // joined before the flag goes
};

/// Nanoseconds that the threads of this process could have run, but had no core: the second number
/// of /proc/PID/task/TID/schedstat (Linux' documentation of scheduler statistics).
std::uint64_t nanoseconds_without_core() {
  std::uint64_t sum = 0;
  std::error_code error;
  for (auto const& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    std::ifstream file(task.path() / "schedstat");
    std::uint64_t computed = 0, waited = 0;
    if (file >> computed >> waited) sum += waited;
  }
  return sum;
}

/// The share of time since the last call in which a thread of this process had no core.
class Contention {
 public:
  double share() {
    std::uint64_t const waited = nanoseconds_without_core();
    auto const now = Clock::now();
    // Threads that ended take their time away.
    double const more = waited > waited_ ? static_cast<double>(waited - waited_) : 0;
    double const elapsed = std::chrono::duration<double, std::nano>(now - then_).count();
    waited_ = waited;
    then_ = now;
    return more / elapsed;
  }

 private:
  std::uint64_t waited_ = nanoseconds_without_core();
  Clock::time_point then_ = Clock::now();
};

/// Looks ten times a second. On two cores of a virtual machine, a process beside two threads of the
/// demo took 0.46 to 1.1 of a core from them, with short and with endless spinning, and the system
/// alone 0.01 to 0.1. Who takes less for a second has gone.
void watch(std::stop_token const& stop, int threads) {
  constexpr auto interval = std::chrono::milliseconds(100);
  constexpr double busy = 0.3;
  constexpr int calm_looks = 10;
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are for the command's threads
  std::mutex mutex;
  std::condition_variable_any sleep;
  std::unique_lock lock(mutex);
  Contention contention;
  std::optional<SleepingTeam> team;
  int calm = 0;
  while (!sleep.wait_for(lock, stop, interval, [&] { return stop.stop_requested(); })) {
    calm = contention.share() < busy ? calm + 1 : 0;
    if (calm == 0 && !team) team.emplace(threads);
    if (calm == calm_looks) team.reset();
  }
}

}  // namespace

ThreadWaiting::ThreadWaiting() {
  int const computing = Kokkos::DefaultHostExecutionSpace().concurrency();
  if (computing < 2 ||
      is_any_set({"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME", "KMP_LIBRARY"}))
    return;
  // With the threads that compute, one more than there are cores; the first of a team is not
  // counted.
  int const threads = std::max(1, CoreSet::of_process().count() - computing + 1) + 1;
  watch_ = std::jthread([threads](std::stop_token const& stop) { watch(stop, threads); });
}

}  // namespace kyrtos::program
