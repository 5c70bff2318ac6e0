// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "memory.hpp"
#include "operation.hpp"

#include <functional>
#include <string>
#include <vector>

namespace kyrtos::bench {

struct RoundOptions {
  Index repetitions = 7;  ///< Rounds.
  double seconds = 600;   ///< After these no further round begins; there is always one.
  /// Operations shorter than this are run several times in a row, and their times divided.
  double shortest = 0.01;
  bool profile = false;  ///< Afterwards, find out where the time of each model goes.
};

/// A case and what was measured of it.
struct Measured {
  Case of;
  Context<Space> context;                         ///< That the case was made on.
  double peak_memory_mib = 0;                     ///< What it added; the most of any rank.
  std::vector<Index> calls = {};                  ///< In a row, of each operation.
  std::vector<std::vector<double>> seconds = {};  ///< Of each operation's call, one a round.
  Json profile = {};                              ///< Of models, by operation, where wanted.
};

/// Says on one rank how far things are.
using Say = std::function<void(std::string const&)>;

/// Makes the cases one after the other and runs each of their operations once or twice to warm up.
/// Then they take turns: in each round every operation of every case is measured once, so that
/// whatever else the machine does meets all of them alike. Times are those of the slowest rank.
/// Collective.
std::vector<Measured> measure_in_turns(Context<Space> const& context, MemoryMeter& memory,
                                       std::vector<CaseMaker> const& makers,
                                       RoundOptions const& options, Say const& say);

}  // namespace kyrtos::bench
