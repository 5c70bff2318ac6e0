// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

namespace kyrtos::layers {

enum class GeluKind { tanh, exact };

/// Gaussian error linear unit (Hendrycks and Gimpel 2016, arXiv 1606.08415), elementwise.
///
///     exact  f = xΦ(x), f' = Φ + xφ, f'' = φ(2 − x²), with Φ = ½(1 + erf(x/√2)), φ = Φ'
///     tanh   f = ½x(1 + τ), τ = tanh g, g = √(2/π)(x + 0.044715x³)
///            f' = ½(1 + τ) + ½xτ'g', f'' = τ'g' + ½xτ'(g'' − 2τg'²), τ' = 1 − τ²
///
/// | pass             | computes                | memory, in reads and writes of a matrix |
/// |------------------|-------------------------|-------------------|
/// | forward          | y = f(x)                | 2                 |
/// | backward         | dx = f'dy               | 3                 |
/// | tangent forward  | ẏ = f'ẋ                 | 3                 |
/// | tangent backward | dẋ = f'dẏ + f''ẋ dy     | 5                 |
///
/// Saves nothing: f' and f'' are computed again from x.
template <class Scalar, class Space>
class Gelu : public Layer<Scalar, Space> {
 public:
  using Base = Layer<Scalar, Space>;
  using typename Base::Back;
  using typename Base::ConstVector;
  using typename Base::MutableVector;
  using typename Base::Pass;

  Gelu(Index features, GeluKind which) : features_(features), which_(which) {}

  std::string kind() const override { return "gelu"; }
  Index in_features() const override { return features_; }
  Index out_features() const override { return features_; }
  double forward_flops(SequenceShape shape) const override {
    return 30.0 * static_cast<double>(shape.tokens() * features_);
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
  GeluKind which_;
};

}  // namespace kyrtos::layers
