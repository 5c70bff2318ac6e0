// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/input_layer.hpp>

namespace kyrtos::layers {

/// Continuous inputs: y(b, t) = f(b, t) Wᵀ + b + P[t], the last with learned positions only, f the
/// batch's `input_fields`.
///
/// Linear in θ = (W, b, P): the tangent forward is forward() with u, the tangent backward is
/// backward() with dẏ and Hu. With N rows:
///
///     dW += dyᵀf,   db += Σ dy(b, t),   dP[t] += Σ_b dy(b, t)
///
/// 2·N·input_features·width FLOP each way. Forward writes y once and adds to it once; backward
/// reads dy three times (twice without positions). No atomics: all sums have one order.
///
/// Segments `field.weight` [width, input_features], `field.bias` [width] and `position.weight`
/// [positions, width].
template <class Scalar, class Space>
class LinearEmbedding : public InputLayer<Scalar, Space> {
 public:
  /// `positions`: rows of the table of positions, the longest sequence; 0: no table.
  /// \throws ConfigError
  LinearEmbedding(Index input_features, Index width, Index positions, double initial_scale = 0.02);

  std::string kind() const override { return "linear_embedding"; }
  Index out_features() const override { return width_; }
  std::vector<SegmentSpec> parameters() const override;

  void forward(Context<Space> const& context, VectorView<Scalar const, Space> theta,
               Batch<Scalar, Space> const& batch, MatrixView<Scalar, Space> y) const override;
  void backward(Context<Space> const& context, Batch<Scalar, Space> const& batch,
                MatrixView<Scalar const, Space> dy,
                VectorView<Scalar, Space> dtheta) const override;

 private:
  void check(Batch<Scalar, Space> const& batch, std::size_t parameters,
             MatrixView<Scalar const, Space> features) const;

  Index input_features_;
  Index width_;
  Index positions_;
  double initial_scale_;
};

}  // namespace kyrtos::layers
