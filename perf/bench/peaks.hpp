// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "rounds.hpp"

namespace kyrtos::perf {

/// What the machine can do, measured among the cases: matrix products of 2048³ with every provider
/// that can, and the triad a ← b + s·c on vectors that no cache holds.
CaseMaker machine_case();

/// What shares are shares of, in units a second and for each rank.
struct Peaks {
  double flops = 0, bytes = 0;
  std::string provider;  ///< Of the fastest products.

  double of(Work::Kind kind) const {
    return kind == Work::Kind::products ? flops : kind == Work::Kind::memory ? bytes : 0;
  }
};
Peaks peaks_of(Measured const& machine);

}  // namespace kyrtos::perf
