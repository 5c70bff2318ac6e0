// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include "linear.hpp"

#include <cmath>
#include <vector>

namespace kyrtos::reference {

/// Logits z = x Wᵀ with θ = W [vocabulary, width], and the loss of a matrix of logits
///
///     weight·Σ (L − z_target + z_loss·L²),   L = log Σⱼ exp zⱼ,
///
/// over the rows whose target is not negative.
struct CrossEntropyHead {
  std::size_t width, vocabulary;
  double z_loss, weight;
  std::vector<Token> targets;

  template <class T>
  std::vector<T> outputs(SequenceShape shape, std::vector<T> const& x,
                         std::vector<T> const& theta) const {
    return Linear{width, vocabulary, false}(shape, x, theta);
  }

  template <class T>
  T loss(std::vector<T> const& z) const {
    using std::exp, std::log;
    T total(0);
    for (std::size_t i = 0; i < targets.size(); ++i) {
      if (targets[i] < 0) continue;
      T sum(0);
      for (std::size_t j = 0; j < vocabulary; ++j) sum += exp(z[i * vocabulary + j]);
      T const log_sum = log(sum);
      T const target = z[i * vocabulary + static_cast<std::size_t>(targets[i])];
      total += T(weight) * (log_sum - target + T(z_loss) * log_sum * log_sum);
    }
    return total;
  }
};

}  // namespace kyrtos::reference
