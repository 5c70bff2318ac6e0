// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/pass_bytes.hpp>
#include <kyrtos/layers/work.hpp>

namespace kyrtos::layers {

/// y = x Wᵀ + b with W [out, in] (a row an output feature) and b [out], for n rows.
///
/// | pass             | computes                                        | products |
/// |------------------|-------------------------------------------------|----------|
/// | forward          | y = x Wᵀ + b                                    | 1        |
/// | backward         | dx = dy W; dW += dyᵀx; db += Σ dy               | 2        |
/// | tangent forward  | ẏ = ẋ Wᵀ + x Ẇᵀ + ḃ                             | 2        |
/// | tangent backward | dẋ = dẏ W + dy Ẇ; dẆ += dẏᵀx + dyᵀẋ; dḃ += Σ dẏ | 4        |
///
/// of 2·n·in·out floating-point operations each.
/// Sums over rows (b) have two stages in a fixed order. Segments: `weight`, and `bias` if asked.
/// A residual is what sums of products start from, as a bias is. Where products round their
/// factors, a pass rounds each matrix but the weights once, in the kernel that starts the sums, or
/// in the first stage of those over rows.
template <class Scalar, class Space>
class Linear : public Layer<Scalar, Space> {
 public:
  using Base = Layer<Scalar, Space>;
  using typename Base::Back;
  using typename Base::ConstVector;
  using typename Base::MutableVector;
  using typename Base::Pass;

  /// \param scale standard deviation of the initial weights.
  Linear(Index in, Index out, bool bias, double scale)
      : in_(in), out_(out), bias_(bias), scale_(scale) {}

  std::string kind() const override { return "linear"; }
  Index in_features() const override { return in_; }
  Index out_features() const override { return out_; }
  std::vector<SegmentSpec> parameters() const override;
  bool adds_to_output() const override { return true; }
  double forward_flops(SequenceShape shape) const override {
    return 2.0 * static_cast<double>(shape.tokens() * in_) * static_cast<double>(out_);
  }

  void forward(Context<Space> const& context, ConstVector theta, Pass const& p) const override;
  void backward(Context<Space> const& context, ConstVector theta, Pass const& p, Back const& a,
                MutableVector dtheta) const override;
  void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                       Pass const& p, Pass const& t) const override;
  void tangent_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                        Pass const& p, Pass const& t, Back const& a, Back const& ta,
                        MutableVector hu) const override;

  /// What a pass does; without `dtheta` it computes the adjoint of x alone. \param residual whether
  /// the output is added to one.
  Work work(PassKind pass, SequenceShape shape, Machine const& machine, bool dtheta,
            bool residual) const;

 private:
  template <class V>
  auto weight(V const& v) const {
    return as_matrix(v, 0, out_, in_);
  }
  /// Empty where there is none, and of a vector that is empty itself.
  template <class V>
  V bias(V const& v) const {
    return bias_ && v.size() > 0 ? V(slice(v, out_ * in_, out_)) : V();
  }

  Index in_, out_;
  bool bias_;
  double scale_;
};

}  // namespace kyrtos::layers
