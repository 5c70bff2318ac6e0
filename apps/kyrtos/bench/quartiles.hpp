// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <utility>
#include <vector>

namespace kyrtos::bench {

struct Quartiles {
  double lower = 0, median = 0, upper = 0;
};

/// Of at least one number; between two of them where they fall there.
Quartiles quartiles_of(std::vector<double> values);

/// Slope of the straight line that fits best through (log x, log y): the power p of y ~ xᵖ. NaN for
/// fewer than two different x, or numbers that are not positive.
double log_slope(std::vector<std::pair<double, double>> const& points);

/// Pennycook, Sewall and Lee's metric (arXiv 1611.07409): the harmonic mean of the efficiencies on
/// a set of machines, 0 where it does not run on one of them.
double performance_portability(std::vector<double> const& efficiencies);

}  // namespace kyrtos::bench
