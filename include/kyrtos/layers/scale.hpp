// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

namespace kyrtos::layers {

/// y = s x with a constant s, such as the scale of a residual branch.
///
/// Each of the four passes is the same multiplication: y = s x, ẏ = s ẋ, dx = s dy, dẋ = s dẏ. It
/// reads and writes one matrix.
template <class Scalar, class Space>
class Scale : public Layer<Scalar, Space> {
 public:
  using Base = Layer<Scalar, Space>;
  using typename Base::Back;
  using typename Base::ConstVector;
  using typename Base::MutableVector;
  using typename Base::Pass;

  Scale(Index features, double scale) : features_(features), scale_(scale) {}

  std::string kind() const override { return "scale"; }
  Index in_features() const override { return features_; }
  Index out_features() const override { return features_; }
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
  double scale_;
};

}  // namespace kyrtos::layers
