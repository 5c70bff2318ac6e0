// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <string>

namespace kyrtos::bench {

/// How much more memory is needed from a moment on: the device's where kernels run on one, as
/// Kokkos hands it out; else what the process has resident. One object at a time.
class MemoryMeter {
 public:
  MemoryMeter();
  ~MemoryMeter();
  MemoryMeter(MemoryMeter const&) = delete;
  MemoryMeter& operator=(MemoryMeter const&) = delete;

  /// Starts over, after what the process has freed has been given back to the system.
  void reset();

  /// The most held since reset(), beyond what was held then.
  double growth_mib() const;

  /// Where the numbers come from, and what that means for them.
  std::string source() const;

 private:
  double held_ = 0;
  bool can_reset_ = true;
};

}  // namespace kyrtos::bench
