// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer.hpp>

#include "operation.hpp"

namespace kyrtos::bench {

/// A whole model on a batch of arbitrary tokens, the same on every rank.
struct ModelSpec {
  std::string name;
  model::TransformerConfig config;
  SequenceShape shape;
  std::string series = {};  ///< What varies over the cases of this series: `batch`, `depth`, ….
};

/// The gradient, a training step, the ways to a Hessian-vector product, a training step with a
/// tracker that takes one product on a sixteenth of the batch, and the optimiser's update alone.
///
/// Found out beforehand: how far a float32 product is from the float64 one, on a part of a
/// sequence.
CaseMaker model_case(ModelSpec const& spec);

}  // namespace kyrtos::bench
