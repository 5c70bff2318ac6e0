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
/// Where products round their factors, a pass rounds each matrix once, but the weights and x.
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

  /// What a pass does; without `dtheta` it computes the adjoint of x alone.
  Work work(PassKind pass, SequenceShape shape, Machine const& machine, bool dtheta) const;

 private:
  /// y ← x Wᵀ + 1 bᵀ of the bias in `from`. Where the library does not add it, y becomes 1 bᵀ
  /// first.
  void multiply(Context<Space> const& context, char const* label,
                MatrixView<Scalar const, Space> const& x, ConstVector theta, ConstVector from,
                MatrixView<Scalar, Space> const& y) const;
  void add_bias_gradient(Context<Space> const& context, char const* label,
                         MatrixView<Scalar const, Space> const& dy, MutableVector dtheta) const;

  template <class V>
  auto weight(V const& v) const {
    return as_matrix(v, 0, out_, in_);
  }
  template <class V>
  auto bias(V const& v) const {
    return slice(v, out_ * in_, out_);
  }

  Index in_, out_;
  bool bias_;
  double scale_;
};

}  // namespace kyrtos::layers
