// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/batch.hpp>
#include <kyrtos/core/context.hpp>
#include <kyrtos/core/parameter_layout.hpp>

#include <string>
#include <vector>

namespace kyrtos::layers {

/// From data to the first row of features, y = f(batch, θ). Linear in θ, so that the tangent
/// passes are the same map: ẏ = f(batch, u), and Hu += (∂y/∂θ)ᵀdẏ.
template <class Scalar, class Space>
class InputLayer {
 public:
  virtual ~InputLayer() = default;
  virtual std::string kind() const = 0;
  virtual Index out_features() const = 0;
  virtual std::vector<SegmentSpec> parameters() const = 0;

  /// \throws ShapeError when the batch doesn't fit (for instance, sequences longer than the
  /// table of positions). Token identifiers must be in range; checked where data enter.
  virtual void forward(Context<Space> const& context, VectorView<Scalar const, Space> theta,
                       Batch<Scalar, Space> const& batch, MatrixView<Scalar, Space> y) const = 0;
  virtual void backward(Context<Space> const& context, Batch<Scalar, Space> const& batch,
                        MatrixView<Scalar const, Space> dy,
                        VectorView<Scalar, Space> dtheta) const = 0;
};

}  // namespace kyrtos::layers
