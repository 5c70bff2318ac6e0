// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/eigenpair.hpp>

#include <optional>
#include <vector>

namespace kyrtos::curvature::detail {

/// The shift c with which power iteration on A + cI tends to one *algebraic* end of the spectrum.
///
/// For the largest eigenvalues c must exceed −(λmin + λmax)/2. It starts at half of N, the largest
/// ‖Au‖/‖u‖ so far: enough for any spectrum with |λmin| ≤ 2λmax once N is near the norm, and a
/// bulk around zero then still shrinks to a third in each iteration. While c is too small some
/// Ritz value falls, which it can't when A + cI is positive semidefinite; c is doubled then.
/// For the smallest eigenvalues the same holds for −A. Largest magnitude needs none: c = 0.
class SpectralShift {
 public:
  /// `rounding`: the relative error of a Ritz value, below which a fall means nothing.
  SpectralShift(Spectrum target, std::optional<double> given, double rounding)
      : target_(target), given_(given), rounding_(rounding) {}

  /// The shift for the next iteration, after one that gave these Ritz values, most wanted first.
  double next(std::vector<double> const& values, double largest_image);

 private:
  Spectrum target_;
  std::optional<double> given_;
  double rounding_;
  double share_ = 0.5;  // c/N
  std::vector<double> previous_;
};

}  // namespace kyrtos::curvature::detail
