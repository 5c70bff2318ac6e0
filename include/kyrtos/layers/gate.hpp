// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

namespace kyrtos::layers {

/// y = g x with one number g that training does not move: how far a branch takes part.
///
/// g is set from outside (growth opens it from 0 to 1), so u has no component along it and its
/// gradient is not computed: forward and tangent forward are y = g x and ẏ = g ẋ, the backward
/// passes dx = g dy and dẋ = g dẏ. With g = 0 y is exactly 0. Each pass reads and writes one
/// matrix.
///
/// Segment `gate` [1], one, not trained.
template <class Scalar, class Space>
class Gate : public Layer<Scalar, Space> {
 public:
  using Base = Layer<Scalar, Space>;
  using typename Base::Back;
  using typename Base::ConstVector;
  using typename Base::MutableVector;
  using typename Base::Pass;

  explicit Gate(Index features) : features_(features) {}

  std::string kind() const override { return "gate"; }
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
};

}  // namespace kyrtos::layers
