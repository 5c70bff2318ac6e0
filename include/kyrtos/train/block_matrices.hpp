// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/model/transformer_config.hpp>
#include <kyrtos/parallel/whole_matrices.hpp>

#include <vector>

namespace kyrtos::train {

/// The weights of a model's blocks as the maps that they are: what Muon orthogonalises, each by
/// itself. Queries, keys and values, which are packed, are three matrices, gate and value of SwiGLU
/// two. Embeddings, head, norms and biases are not among them.
std::vector<parallel::MatrixRange> block_matrices(ParameterLayout const& layout,
                                                  model::TransformerConfig const& config);

}  // namespace kyrtos::train
