// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "profile.hpp"

#include <string>

namespace kyrtos::program {

/// What rates are shares of; 0 where it is not known.
struct PeakRates {
  double flops = 0, bytes = 0;
};

/// A profile for a terminal or a log: a row a layer and pass, the longest first, then what no layer
/// explains, with its kernels.
/// \param profile as bench::to_json() gives it. \param span what it is of: `training step`.
std::string profile_table(bench::Json const& profile, std::string const& span,
                          PeakRates const& peaks);

}  // namespace kyrtos::program
