// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "rounds.hpp"

#include <map>

namespace kyrtos::bench {

struct MachineSizes {
  Index matrices = 2048;           ///< Rows and columns.
  Index vectors = Index{1} << 25;  ///< Elements, more than a cache holds.
};

/// What the machine can do, measured among the cases: matrix products with every provider that can,
/// in float32 and of rounded factors where there are such, and the triad a ← b + s·c.
CaseMaker machine_case(MachineSizes const& sizes = {});

/// Units a second of an operation in its fastest round: what slows a limit down is no part of it.
double fastest_rate(Measured const& machine, std::size_t operation);

/// What shares are shares of, in units a second and for each rank: the fastest rates.
struct Peaks {
  std::map<train::Precision, double> flops;  ///< Of those that the machine has.
  double bytes = 0;
  std::string provider;  ///< Of the fastest products in float32.

  /// 0: it has none.
  double of(Work const& work) const;
};
Peaks peaks_of(Measured const& machine);

}  // namespace kyrtos::bench
