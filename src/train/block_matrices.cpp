// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/block_matrices.hpp>

namespace kyrtos::train {

namespace {

/// The rows of the matrices that one weight packs.
std::vector<Index> packed_rows(Segment const& segment, model::TransformerConfig const& c) {
  if (segment.name.ends_with(".attention.qkv.weight"))
    return {c.heads * c.head_size, c.kv_heads * c.head_size, c.kv_heads * c.head_size};
  if (segment.name.ends_with(".mlp.up.weight") && c.activation == model::MlpActivation::swiglu)
    return {c.mlp_width, c.mlp_width};
  return {segment.shape[0]};
}

}  // namespace

std::vector<parallel::MatrixRange> block_matrices(ParameterLayout const& layout,
                                                  model::TransformerConfig const& config) {
  auto const c = config.resolved();
  std::vector<parallel::MatrixRange> matrices;
  for (auto const& segment : layout.match("blocks.*")) {
    if (segment.shape.size() != 2 || !segment.trained) continue;
    Index offset = segment.offset;
    for (Index const rows : packed_rows(segment, c)) {
      matrices.push_back({offset, rows, segment.shape[1]});
      offset += rows * segment.shape[1];
    }
  }
  return matrices;
}

}  // namespace kyrtos::train
