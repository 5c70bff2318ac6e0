// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/input_layer.hpp>
#include <kyrtos/layers/layer.hpp>
#include <kyrtos/layers/output_layer.hpp>

#include "operation.hpp"

#include <memory>

namespace kyrtos::bench {

/// Floating-point operations of a layer's passes, in those of its forward pass. Zeros: what counts
/// is memory, that of the matrices that a pass has to read or write once.
struct PassCosts {
  double forward = 0, backward = 0, tangent_forward = 0, tangent_backward = 0;
};

/// The four passes of a layer.
CaseMaker layer_case(std::string const& name,
                     std::shared_ptr<layers::Layer<float, Space> const> const& layer,
                     SequenceShape shape, PassCosts const& costs = {});

/// What the ends of a model read and compare with.
enum class DataKind { tokens, fields };

/// An input layer, which has two passes: their tangents are the same maps.
CaseMaker input_case(std::string const& name,
                     std::shared_ptr<layers::InputLayer<float, Space> const> const& layer,
                     SequenceShape shape, DataKind kind, Index inputs);

/// A head, by what its passes produce: the loss, the gradient, both with a product, the product
/// alone.
CaseMaker head_case(std::string const& name,
                    std::shared_ptr<layers::OutputLayer<float, Space> const> const& head,
                    SequenceShape shape, DataKind kind);

}  // namespace kyrtos::bench
