// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <thread>

/// \file
/// \brief How long threads of OpenMP wait for each other before they sleep.

namespace kyrtos::program {

/// Watches whether this process has its cores for itself, and lets threads that wait give up early
/// while it has not.
///
/// By default threads of GCC's runtime spin for milliseconds before they sleep. On cores of one's
/// own that is right: to sleep and wake costs the demo 3 % of its time on a virtual machine. Beside
/// a busy process it is ruinous: a thread that lost its core is waited for, at every loop, by
/// others that keep theirs busy, and the demo takes ten times as long.
class ThreadWaiting {
 public:
  /// Begins to watch, with a thread of its own, until the end of this object; not where one thread
  /// computes or where the user has chosen (OMP_WAIT_POLICY, GOMP_SPINCOUNT, KMP_BLOCKTIME,
  /// KMP_LIBRARY). After OpenMP's threads have started.
  ThreadWaiting();

 private:
  std::jthread watch_;
};

}  // namespace kyrtos::program
