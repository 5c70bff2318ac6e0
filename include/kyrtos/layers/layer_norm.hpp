// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/detail/normalization.hpp>

namespace kyrtos::layers {

/// Layer normalisation (Ba, Kiros and Hinton 2016, arXiv 1607.06450): y = w∘(x − mean x)/σ(x) + b.
///
/// Derivation, saved quantities and memory traffic: detail/normalization.hpp. Segments: `weight`
/// (ones) and, if asked, `bias` (zeros).
template <class Scalar, class Space>
class LayerNorm : public detail::Normalization<Scalar, Space> {
 public:
  LayerNorm(Index features, double epsilon, bool bias)
      : detail::Normalization<Scalar, Space>(features, epsilon, /*centered=*/true, bias) {}

  std::string kind() const override { return "layer_norm"; }
};

}  // namespace kyrtos::layers
