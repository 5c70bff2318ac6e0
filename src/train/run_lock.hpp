// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace kyrtos::train {

/// How a lock shows that its holder lives.
struct LockTimes {
  std::chrono::milliseconds heartbeat{10'000};  ///< Between two signs of life.
  std::chrono::milliseconds stale{60'000};      ///< Without one after which the holder is dead.
};

/// The file `lock` in a run's directory: one process at a time has it. On one rank.
///
/// The file is created by O_EXCL, which NFS and Lustre keep atomic where locks of fcntl() and
/// flock() may be local to a node, or off. It names its holder, and a thread renews its time of
/// modification, however long a step takes. Where the holder ran on this machine, the kernel knows
/// whether it still does; where it was an earlier start of this SLURM job, it doesn't. Else it is
/// dead when its file has not changed for LockTimes::stale while this process looked: no two clocks
/// are compared. A dead holder's lock is replaced by a rename, and the one whose file stays has it;
/// who loses the lock nevertheless, because it was suspended for as long, learns it from is_lost().
class RunLock {
 public:
  /// \param waits hears why it takes a while, once.
  /// \throws FileError that names the holder and the file.
  explicit RunLock(
      std::string const& directory, LockTimes times = {},
      std::function<void(std::string const&)> const& waits = [](std::string const&) {});

  /// Removes the file, unless it is another's by now.
  ~RunLock();
  RunLock(RunLock const&) = delete;
  RunLock& operator=(RunLock const&) = delete;

  /// Who had it before, in words, and why that counts as dead; empty where it was free.
  std::string const& taken_over() const { return taken_over_; }

  /// Another process has it.
  bool is_lost() const { return is_lost_; }

  /// A sign of life now, and whether it is still this one's. Any thread.
  void renew();

  std::string const& path() const { return path_; }

 private:
  void take_over(std::string const& dead, std::string const& why);
  void keep_alive();

  std::string path_, text_;
  LockTimes times_;
  std::string taken_over_;
  std::atomic<bool> is_lost_ = false;
  std::mutex mutex_;
  std::condition_variable ends_;
  bool is_ending_ = false;
  std::thread heart_;
};

}  // namespace kyrtos::train
