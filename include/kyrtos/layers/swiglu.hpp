// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

namespace kyrtos::layers {

/// Gated linear unit with SiLU (Shazeer 2020, arXiv 2002.05202): x = [g | v], y = s(g)∘v.
///
/// With σ the logistic function: s = gσ, s' = σ(1 + g(1 − σ)), s'' = σ(1 − σ)(2 + g(1 − 2σ)).
///
/// | pass             | computes                                                     |
/// |------------------|--------------------------------------------------------------|
/// | forward          | y = s v                                                      |
/// | backward         | dg = s'v dy; dv = s dy                                       |
/// | tangent forward  | ẏ = s'ġ v + s v̇                                              |
/// | tangent backward | dġ = (s''ġ v + s'v̇)dy + s'v dẏ; dv̇ = s'ġ dy + s dẏ           |
///
/// Saves nothing; every pass reads and writes each of its matrices once.
template <class Scalar, class Space>
class SwiGlu : public Layer<Scalar, Space> {
 public:
  using Base = Layer<Scalar, Space>;
  using typename Base::Back;
  using typename Base::ConstVector;
  using typename Base::MutableVector;
  using typename Base::Pass;

  /// \param features of y; x has twice as many.
  explicit SwiGlu(Index features) : features_(features) {}

  std::string kind() const override { return "swiglu"; }
  Index in_features() const override { return 2 * features_; }
  Index out_features() const override { return features_; }
  double forward_flops(SequenceShape shape) const override {
    return 20.0 * static_cast<double>(shape.tokens() * features_);
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
