// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/detail/normalization.hpp>

namespace kyrtos::layers {

/// Root-mean-square normalisation (Zhang and Sennrich 2019, arXiv 1910.07467): y = w∘x/rms(x).
///
/// Derivation, saved quantities and memory traffic: detail/normalization.hpp. Segments: `weight`
/// (ones).
template <class Scalar, class Space>
class RmsNorm : public detail::Normalization<Scalar, Space> {
 public:
  RmsNorm(Index features, double epsilon)
      : detail::Normalization<Scalar, Space>(features, epsilon, /*centered=*/false,
                                             /*bias=*/false) {}

  std::string kind() const override { return "rms_norm"; }
};

}  // namespace kyrtos::layers
