// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include "linear.hpp"

#include <vector>

namespace kyrtos::reference {

/// Outputs z = x Wᵀ + b with θ = (W [outputs, width], b [outputs]), and the loss of a matrix of
/// outputs against target fields y: weight·Σ (z − y)²/outputs.
struct MeanSquaredErrorHead {
  std::size_t width, output_features;
  double weight;
  std::vector<double> targets;

  template <class T>
  std::vector<T> outputs(SequenceShape shape, std::vector<T> const& x,
                         std::vector<T> const& theta) const {
    return Linear{width, output_features, true}(shape, x, theta);
  }

  template <class T>
  T loss(std::vector<T> const& z) const {
    T total(0);
    for (std::size_t i = 0; i < z.size(); ++i) {
      T const error = z[i] - T(targets[i]);
      total += T(weight / static_cast<double>(output_features)) * error * error;
    }
    return total;
  }
};

}  // namespace kyrtos::reference
