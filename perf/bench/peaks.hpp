// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "rounds.hpp"

namespace kyrtos::perf {

/// What the machine can do, measured among the cases: matrix products of 2048³ with every provider
/// that can, in float32 and in bfloat16, and the triad a ← b + s·c on vectors that no cache holds.
CaseMaker machine_case();

/// What shares are shares of, in units a second and for each rank.
struct Peaks {
  double flops = 0, bytes = 0;
  std::string provider;   ///< Of the fastest products in float32.
  double bf16_flops = 0;  ///< 0: the machine has none.

  double of(Work::Kind kind) const;
};
Peaks peaks_of(Measured const& machine);

}  // namespace kyrtos::perf
