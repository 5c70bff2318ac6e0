// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/layer.hpp>

#include <string>

namespace kyrtos::layers::detail {

/// What LayerNorm (centred, with an optional bias) and RMSNorm (neither) share.
///
/// Row by row, with m = mean x (0 if not centred), r = (mean (x − m)² + ε)^(-1/2), x̂ = r(x − m):
///
///     forward           y = w∘x̂ + b
///     backward          h = w∘dy, A = mean h (0 if not centred), B = mean h∘x̂
///                       dx = r(h − A − x̂B);  dw += Σ dy∘x̂, db += Σ dy
///     tangent forward   ṁ = mean ẋ, a = mean x̂∘ẋ, so that ṙ = −r²a
///                       x̂̇ = r(ẋ − ṁ − x̂a);  ẏ = w∘x̂̇ + ẇ∘x̂ + ḃ
///     tangent backward  ḣ = ẇ∘dy + w∘dẏ, Ȧ = mean ḣ, Ḃ = mean(ḣ∘x̂ + h∘x̂̇)
///                       dẋ = −r²a(h − A − x̂B) + r(ḣ − Ȧ − x̂̇B − x̂Ḃ)
///                       dẇ += Σ(dẏ∘x̂ + dy∘x̂̇), dḃ += Σ dẏ
///
/// Saved: m, r a row; tangent saved: ṁ, a a row. Each pass reads its matrices once from memory
/// (again from cache for the row means) and writes one; sums over rows have two stages.
template <class Scalar, class Space, class Blocks = RowBlocks<Space>>
class Normalization : public Layer<Scalar, Space> {
 public:
  using Base = Layer<Scalar, Space>;
  using typename Base::Back;
  using typename Base::ConstVector;
  using typename Base::MutableVector;
  using typename Base::Pass;

  Index in_features() const override { return features_; }
  Index out_features() const override { return features_; }
  std::vector<SegmentSpec> parameters() const override;
  Index saved_size(SequenceShape shape) const override { return 2 * shape.tokens(); }
  Index tangent_saved_size(SequenceShape shape) const override { return 2 * shape.tokens(); }
  bool adds_to_adjoint() const override { return true; }
  double forward_flops(SequenceShape shape) const override {
    return 7.0 * static_cast<double>(shape.tokens() * features_);
  }

  void forward(Context<Space> const& context, ConstVector theta, Pass const& p) const override;
  void backward(Context<Space> const& context, ConstVector theta, Pass const& p, Back const& a,
                MutableVector dtheta) const override;
  void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                       Pass const& p, Pass const& t) const override;
  void tangent_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                        Pass const& p, Pass const& t, Back const& a, Back const& ta,
                        MutableVector hu) const override;

 protected:
  Normalization(Index features, double epsilon, bool centered, bool bias)
      : features_(features), epsilon_(epsilon), centered_(centered), bias_(bias) {}

 private:
  /// Kernels are called after the layer: `kyrtos::rms_norm::backward`.
  std::string label(char const* pass) const { return "kyrtos::" + this->kind() + "::" + pass; }

  Index features_;
  double epsilon_;
  bool centered_, bias_;
};

}  // namespace kyrtos::layers::detail
