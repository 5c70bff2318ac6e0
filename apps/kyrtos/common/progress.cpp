// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "progress.hpp"

#include "format.hpp"
#include "terminal.hpp"

#include <cstdio>
#include <unistd.h>

namespace kyrtos::program {

Progress::Progress(bool speaks) : speaks_(speaks), is_terminal_(isatty(STDERR_FILENO) != 0) {}

void Progress::begin(std::string what, Index most) {
  clear();
  what_ = whole_.empty() ? std::move(what) : whole_ + ": " + what;
  done_ = 0;
  most_ = most;
  start_ = shown_ = Clock::now();
}

void Progress::advance() {
  ++done_;
  if (!speaks_) return;
  auto const now = Clock::now();
  if (now - shown_ < (is_terminal_ ? Clock::duration(std::chrono::milliseconds(100))
                                   : Clock::duration(std::chrono::minutes(1))))
    return;
  shown_ = now;
  std::chrono::duration<double> const past = now - start_;
  auto const line =
      fmt::format("{}: {} of at most {} HVPs in {}", what_, done_, most_, duration(past.count()));
  if (is_terminal_)
    fmt::print(stderr, "\r\033[K{}", fitted({{line}}, terminal_columns(STDERR_FILENO) - 1));
  else
    fmt::print(stderr, "{}\n", line);
  std::fflush(stderr);
  is_shown_ = true;
}

void Progress::clear() {
  if (!is_shown_ || !is_terminal_) return;
  fmt::print(stderr, "\r\033[K");
  std::fflush(stderr);
  is_shown_ = false;
}

}  // namespace kyrtos::program
