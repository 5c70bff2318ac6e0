// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "mpi_gpu.hpp"

#include <kyrtos/core/error.hpp>

#include "../common/json_text.hpp"
#include "info.hpp"

#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/ranges.h>
#include <spawn.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

namespace kyrtos::program {

namespace {

using namespace std::chrono_literals;

/// A command's status as waitpid() has it; its output goes nowhere. \throws Error when it can't be
/// started.
pid_t start_silently(std::vector<std::string> words) {
  std::vector<char*> pointers;
  for (auto& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  for (int const stream : {STDOUT_FILENO, STDERR_FILENO})
    posix_spawn_file_actions_addopen(&actions, stream, "/dev/null", O_WRONLY, 0);
  pid_t child = 0;
  int const error = posix_spawnp(&child, pointers[0], &actions, nullptr, pointers.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) throw Error("info: can't start " + words[0] + ": " + std::strerror(error));
  return child;
}

/// How a trial ended: empty if its results were right.
std::string fault_of(std::vector<std::string> const& words) {
  constexpr auto patience = 60s;
  pid_t const child = start_silently(words);
  int status = 0;
  auto waited = 0ms;
  for (; waitpid(child, &status, WNOHANG) == 0; waited += 20ms) {
    if (waited == patience) kill(child, SIGTERM);
    if (waited == patience + 5s) kill(child, SIGKILL);
    std::this_thread::sleep_for(20ms);
  }
  if (waited >= patience) return fmt::format("did not end within {} s", patience.count());
  constexpr int shell_adds = 128;  // and launchers, to the number of a signal
  int const code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;
  int const signal = WIFSIGNALED(status) ? WTERMSIG(status) : code - shell_adds;
  if (signal > 0) return fmt::format("ended with signal {} ({})", signal, strsignal(signal));
  return code == 0 ? "" : fmt::format("ended with exit code {}", code);
}

/// The setting for these faults of all trials but the first.
char const* advised(std::vector<std::string> const& faults) {
  auto const works = [&](MpiWork work) {
    for (std::size_t i = 1; i < faults.size(); ++i)
      if (mpi_trials()[i].work == work && !faults[i].empty()) return false;
    return true;
  };
  if (!works(MpiWork::copies)) return "off";
  return works(MpiWork::sums) ? "on" : "copies";
}

}  // namespace

int check_mpi_gpu(std::vector<std::string> const& launcher, bool json) {
  char self[4096] = {};
  require<Error>(readlink("/proc/self/exe", self, sizeof self - 1) > 0,
                 "info: can't find this program in /proc");
  auto const in_words = fmt::format("{}", fmt::join(launcher, " "));
  Facts facts{{"kernels_run_on", Space::name()},
              {"mpi_says_it_reads_device_memory", mpi_says_gpu_aware()},
              {"trials_started_by", in_words}};
  std::vector<std::string> faults;
  for (auto const& trial : mpi_trials()) {
    auto words = launcher;
    words.insert(words.end(), {self, "info", "--try-mpi-gpu", trial.call});
    auto const& fault = faults.emplace_back(fault_of(words));
    bool const is_first = faults.size() == 1;
    if (is_first && !fault.empty())
      throw Error("info: '" + in_words + " kyrtos info' " + fault +
                  "; say with --launcher what starts two ranks here, and run this command itself "
                  "without");
    if (!is_first) facts["calls"][trial.call] = fault.empty() ? "works" : fault;
  }
  facts["setting"] = fmt::format("parallel.gpu_aware_mpi = \"{}\"", advised(faults));
  if (compat::is_host_accessible<Space>)
    facts["note"] = "kernels use the host's memory here, where any setting does the same";
  fmt::print("{}", json ? json_text(facts) + "\n" : to_text(facts));
  return 0;
}

}  // namespace kyrtos::program
