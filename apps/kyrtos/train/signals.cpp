// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "signals.hpp"

#include <kyrtos/core/error.hpp>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstddef>
#include <fmt/format.h>
#include <iterator>
#include <string_view>

namespace kyrtos::program {

namespace {

struct Known {
  std::string_view name;
  int number;
};

constexpr Known known[] = {{"ALRM", SIGALRM}, {"HUP", SIGHUP},   {"INT", SIGINT},
                           {"PIPE", SIGPIPE}, {"TERM", SIGTERM}, {"USR1", SIGUSR1},
                           {"USR2", SIGUSR2}, {"XCPU", SIGXCPU}};

volatile std::sig_atomic_t remembered = 0;

void remember(int signal) {
  remembered = signal;
}

/// Gives handlers in this thread a stack of their own, unless there is one. On the thread's stack
/// they would write over what oneDNN (2.6.3) keeps below the stack pointer while it multiplies, and
/// the heap then breaks.
void keep_off_the_stack() {
  static std::array<std::byte, std::size_t{1} << 16> memory;  // registers alone take up to 11 KiB
  stack_t stack{};
  if (sigaltstack(nullptr, &stack) == 0 && (stack.ss_flags & SS_DISABLE) == 0) return;
  stack = {};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  sigaltstack(&stack, nullptr);
}

sigset_t held_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (auto const& one : known)
    if (one.number != SIGINT) sigaddset(&set, one.number);
  return set;
}

int number_of(std::string const& name) {
  bool const has_prefix = name.starts_with("SIG");
  auto const found = std::ranges::find(known, name.substr(has_prefix ? 3 : 0), &Known::name);
  if (found != std::end(known)) return found->number;
  std::string names;
  for (auto const& one : known)
    names += fmt::format("{}\"{}\"", names.empty() ? "" : ", ", one.name);
  throw ConfigError(
      fmt::format("stop.signals: \"{}\" is no signal to listen to; choose among {}", name, names));
}

}  // namespace

void hold_signals() {
  auto const set = held_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
}

void listen_to(std::vector<std::string> const& names) {
  keep_off_the_stack();
  for (auto const& name : names) {
    int const number = number_of(name);
    struct sigaction before {};
    // As nohup does, whose point it is that a closed terminal ends nothing.
    if (number == SIGHUP && sigaction(SIGHUP, nullptr, &before) == 0 &&
        before.sa_handler == SIG_IGN)
      continue;
    struct sigaction action {};
    action.sa_handler = remember;
    // Restarts what it interrupts, such as reading and writing files.
    action.sa_flags = SA_ONSTACK | SA_RESTART | (number == SIGINT ? SA_RESETHAND : 0);
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
  auto const set = held_signals();
  pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
}

std::string remembered_signal() {
  int const number = remembered;
  auto const found = std::ranges::find(known, number, &Known::number);
  return found == std::end(known) ? "" : fmt::format("SIG{}", found->name);
}

}  // namespace kyrtos::program
