// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "run_lock.hpp"

#include <kyrtos/core/error.hpp>

#include "lock_holder.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

namespace kyrtos::train {

namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds look{200};  ///< Between looks at another's file.

[[noreturn]] void fail(std::string const& path, int error) {
  throw FileError(
      fmt::format("{}: can't be written: {}; choose an output.directory that you may "
                  "write, and make room",
                  path, std::strerror(error)));
}

/// Makes a file that must not be there. \return whether it was not.
bool create(std::string const& path, std::string const& text) {
  int const file = open(path.c_str(), O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  if (file < 0 && errno == EEXIST) return false;
  if (file < 0) fail(path, errno);
  bool const is_whole = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  int const error = is_whole ? 0 : errno;
  // What NFS can't write it may say only now.
  if (close(file) == 0 && is_whole) return true;
  int const reason = is_whole ? errno : error;
  unlink(path.c_str());
  fail(path, reason);
}

/// What can be seen of another's lock. Opening it asks the server, where a mere stat() may not.
struct Sight {
  std::string text;
  std::int64_t seconds = 0, nanoseconds = 0;
  bool operator==(Sight const&) const = default;
};

/// Nothing where there is no file.
std::optional<Sight> see(std::string const& path) {
  int const file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return std::nullopt;
  if (file < 0)
    throw FileError(fmt::format("{}: can't be read: {}; it says who uses this directory", path,
                                std::strerror(errno)));
  std::array<char, 4096> buffer{};
  struct stat status {};
  ssize_t const size = read(file, buffer.data(), buffer.size());
  bool const is_known = size >= 0 && fstat(file, &status) == 0;
  close(file);
  if (!is_known) return Sight{};
  return Sight{std::string(buffer.data(), static_cast<std::size_t>(size)), status.st_mtim.tv_sec,
               status.st_mtim.tv_nsec};
}

[[noreturn]] void refuse(std::string const& path, std::string const& text) {
  throw FileError(
      fmt::format("{}: another run has this directory: {}; wait for its end, or choose "
                  "another output.directory",
                  path, to_string(lock_holder_from_json(text))));
}

/// Looks at another's lock until it is certain. \return why its holder is dead; empty where the
/// file has gone. \throws FileError when it lives.
std::string await_death(std::string const& path, Sight const& first, LockHolder const& self,
                        LockTimes const& times,
                        std::function<void(std::string const&)> const& waits) {
  auto const other = lock_holder_from_json(first.text);
  if (other.mark.empty() && !first.text.empty())
    throw FileError(path + ": is no run's lock; move it, or choose another output.directory");
  if (auto const why = death_of(other, self); !why.empty()) return why;
  if (is_on_this_machine(other, self)) refuse(path, first.text);
  auto const began = Clock::now();
  bool is_told = false;
  while (Clock::now() - began < times.stale) {
    std::this_thread::sleep_for(std::min(look, times.heartbeat));
    auto const now = see(path);
    if (!now) return "";
    if (*now != first) {
      if (first.text.empty()) return "";  // it was being written
      refuse(path, now->text);
    }
    if (!is_told && Clock::now() - began > 2 * look) {
      waits(fmt::format("{}: waiting up to {} s for a sign of life of {}", path,
                        times.stale.count() / 1000, to_string(other)));
      is_told = true;
    }
  }
  return fmt::format("no sign of life for {} s", times.stale.count() / 1000);
}

}  // namespace

RunLock::RunLock(std::string const& directory, LockTimes times,
                 std::function<void(std::string const&)> const& waits)
    : path_(directory + "/lock"), times_(times) {
  auto const self = this_holder();
  text_ = to_json(self);
  while (!create(path_, text_)) {
    auto const other = see(path_);
    if (!other) continue;  // it has just ended
    auto const why = await_death(path_, *other, self, times_, waits);
    if (why.empty()) continue;
    take_over(other->text, why);
    break;
  }
  heart_ = std::thread([this] { keep_alive(); });
}

RunLock::~RunLock() {
  {
    std::lock_guard const guard(mutex_);
    is_ending_ = true;
  }
  ends_.notify_all();
  heart_.join();
  renew();
  if (!is_lost_) unlink(path_.c_str());
}

/// Others may do the same at this moment: of all renamed files the last one stays.
void RunLock::take_over(std::string const& dead, std::string const& why) {
  auto const own = fmt::format("{}.{}", path_, lock_holder_from_json(text_).mark);
  create(own, text_);
  auto const before = see(path_);
  bool const is_still_there = before && before->text == dead;
  if (!is_still_there || std::rename(own.c_str(), path_.c_str()) != 0) {
    unlink(own.c_str());
    refuse(path_, before ? before->text : "");
  }
  std::this_thread::sleep_for(look);
  if (auto const now = see(path_); !now || now->text != text_) refuse(path_, now ? now->text : "");
  taken_over_ = fmt::format("{}: took over the lock of {}: {}", path_,
                            to_string(lock_holder_from_json(dead)), why);
}

void RunLock::renew() {
  int const file = open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0 && errno != ENOENT) return;  // the next time, perhaps
  std::string text(text_.size(), '\0');
  bool const is_known = file < 0 || read(file, text.data(), text.size()) >= 0;
  bool const is_own = file >= 0 && text == text_;
  if (is_own) futimens(file, nullptr);
  if (file >= 0) close(file);
  if (is_known && !is_own) is_lost_ = true;
}

void RunLock::keep_alive() {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);  // signals are the run's
  std::unique_lock guard(mutex_);
  while (!ends_.wait_for(guard, times_.heartbeat, [this] { return is_ending_; })) renew();
}

}  // namespace kyrtos::train
