// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/detail/spectral_shift.hpp>

#include <algorithm>

namespace kyrtos::curvature::detail {

double SpectralShift::next(std::vector<double> const& values, double largest_image) {
  if (target_ == Spectrum::largest_magnitude) return 0;
  if (given_) return *given_;
  double const sign = target_ == Spectrum::smallest_algebraic ? -1 : 1;
  bool fell = false;
  for (std::size_t j = 0; j < previous_.size(); ++j)
    fell |= sign * (values[j] - previous_[j]) < -rounding_ * largest_image;
  if (fell) share_ = std::min(2 * share_, 64.0);
  previous_ = values;
  return sign * share_ * largest_image;
}

}  // namespace kyrtos::curvature::detail
