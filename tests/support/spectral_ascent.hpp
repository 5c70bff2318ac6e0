// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/parallel/whole_matrices.hpp>

#include "orthogonal_factor.hpp"

/// \file
/// \brief The largest ⟨D, HD⟩ over balls of spectral norms, by ascents from many random starts
/// with a dense H.

namespace kyrtos::testing {

struct SpectralBall {
  std::vector<parallel::MatrixRange> matrices;
  std::vector<double> radii;

  /// The vertex that y points to; zero outside the matrices.
  Numbers vertex(Numbers const& y) const {
    Numbers d(y.size(), 0.0);
    for (std::size_t k = 0; k < matrices.size(); ++k) {
      auto const& m = matrices[k];
      auto const first = static_cast<std::size_t>(m.offset), n = static_cast<std::size_t>(m.size());
      auto const factor = orthogonal_factor(piece(y, first, n), m.rows, m.columns);
      for (std::size_t i = 0; i < n; ++i) d[first + i] = radii[k] * factor[i];
    }
    return d;
  }
};

/// H x of a dense row-major H.
inline Numbers product(Numbers const& h, Numbers const& x) {
  Numbers y(x.size(), 0.0);
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < x.size(); ++j) y[i] += h[i * x.size() + j] * x[j];
  return y;
}

/// Where the ascent from a vertex ends.
inline double ascend(Numbers const& h, SpectralBall const& ball, Numbers d) {
  double value = -std::numeric_limits<double>::infinity();
  for (int i = 0; i < 500; ++i) {
    auto const y = product(h, d);
    double const next = dot(d, y);
    if (next <= value * (1 + 1e-12) && i > 0) break;
    value = next;
    d = ball.vertex(y);
  }
  return value;
}

/// The highest end of so many ascents from random vertices.
inline double highest_ascent(Numbers const& h, SpectralBall const& ball, std::size_t size,
                             int starts) {
  double highest = 0;
  for (int i = 0; i < starts; ++i) {
    auto const start = random_numbers<double>(size, 900 + static_cast<std::uint64_t>(i));
    highest = std::max(highest, ascend(h, ball, ball.vertex(start)));
  }
  return highest;
}

}  // namespace kyrtos::testing
