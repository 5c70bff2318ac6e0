// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

namespace kyrtos::layers {

/// y = s∘x, a scale for each feature (LayerScale: Touvron et al. 2021, arXiv 2103.17239). At the
/// end of a branch and small at first, it starts a deep model close to the identity.
///
/// | pass             | computes                                |
/// |------------------|-----------------------------------------|
/// | forward          | y = s∘x                                 |
/// | backward         | dx = s∘dy; ds += Σ dy∘x                 |
/// | tangent forward  | ẏ = s∘ẋ + ṡ∘x                           |
/// | tangent backward | dẋ = s∘dẏ + ṡ∘dy; dṡ += Σ (dẏ∘x + dy∘ẋ) |
///
/// Σ over rows, in two stages, in an order that the number of rows alone fixes. Saves nothing.
/// Segment `scale` [features].
template <class Scalar, class Space>
class LayerScale : public Layer<Scalar, Space> {
 public:
  using Base = Layer<Scalar, Space>;
  using typename Base::Back;
  using typename Base::ConstVector;
  using typename Base::MutableVector;
  using typename Base::Pass;

  /// \param initial where every scale starts.
  LayerScale(Index features, double initial) : features_(features), initial_(initial) {}

  std::string kind() const override { return "layer_scale"; }
  Index in_features() const override { return features_; }
  Index out_features() const override { return features_; }
  std::vector<SegmentSpec> parameters() const override;
  double forward_flops(SequenceShape shape) const override {
    return static_cast<double>(shape.tokens() * features_);
  }

  void forward(Context<Space> const& context, ConstVector theta, Pass const& p) const override;
  void backward(Context<Space> const& context, ConstVector theta, Pass const& p, Back const& a,
                MutableVector dtheta) const override;
  void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                       Pass const& p, Pass const& t) const override;
  void tangent_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                        Pass const& p, Pass const& t, Back const& a, Back const& ta,
                        MutableVector hu) const override;

 private:
  Index features_;
  double initial_;
};

}  // namespace kyrtos::layers
