// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/qk_clip.hpp>

#include <algorithm>
#include <cmath>
#include <string>

namespace kyrtos::train {

namespace {

/// The packed projection to queries, keys and values of one block, head by head.
template <class Scalar, class Space>
class PackedHeads {
 public:
  PackedHeads(Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
              Index block, DistributedView<Scalar, Space> theta)
      : context_(context), theta_(theta), head_size_(model.config().head_size) {
    auto const prefix = "blocks." + std::to_string(block) + ".attention.qkv.";
    segments_.push_back(model.layout().find(prefix + "weight"));
    if (model.config().qkv_bias()) segments_.push_back(model.layout().find(prefix + "bias"));
  }

  /// Multiplies what gives the features of one head, rows that follow each other.
  void scale(Index slot, double factor) {
    for (auto const& segment : segments_) {
      Index const row = segment.shape.size() > 1 ? segment.shape.back() : 1;
      Index const size = head_size_ * row;
      ParameterLayout::Range const range{segment.offset + slot * size, size};
      for (auto const& s : theta_.slices(range))
        linalg::scale(context_, factor, slice(theta_.local(), s.local, s.size));
    }
  }

 private:
  Context<Space> context_;
  DistributedView<Scalar, Space> theta_;
  Index head_size_;
  std::vector<Segment> segments_;
};

}  // namespace

template <class Scalar, class Space>
Index clip_attention_scores(Context<Space> const& context,
                            model::Transformer<Scalar, Space> const& model,
                            std::vector<double> const& largest, double bound,
                            DistributedView<Scalar, Space> theta) {
  auto const& c = model.config();
  Index const group = c.heads / c.kv_heads;
  Index clipped = 0;
  for (Index block = 0; block < c.depth; ++block) {
    auto const factor = [&](Index head) {
      double const score = largest[static_cast<std::size_t>(block * c.heads + head)];
      return score > bound ? bound / score : 1;
    };
    for (Index key = 0; key < c.kv_heads; ++key) {
      double least = 1;
      for (Index head = key * group; head < (key + 1) * group; ++head) {
        clipped += factor(head) < 1 ? 1 : 0;
        least = std::min(least, factor(head));
      }
      if (least == 1) continue;
      PackedHeads<Scalar, Space> heads(context, model, block, theta);
      heads.scale(c.heads + key, std::sqrt(least));
      for (Index head = key * group; head < (key + 1) * group; ++head)
        heads.scale(head, factor(head) / std::sqrt(least));
    }
  }
  return clipped;
}

#define KYRTOS_CLIP(SCALAR, SPACE)                                                                 \
  template Index clip_attention_scores(                                                            \
      Context<SPACE> const&, model::Transformer<SCALAR, SPACE> const&, std::vector<double> const&, \
      double, DistributedView<SCALAR, SPACE>);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_CLIP)

}  // namespace kyrtos::train
