// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

/// \file
/// \brief The contracts of a model's two ends: where data comes in, and the head with the loss.

namespace kyrtos::layers {

/// One micro-batch in device memory. Either tokens, or continuous fields (science codes).
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
struct Batch {
  SequenceShape shape = {};
  VectorView<Token const, Space> inputs = {};          ///< [tokens]
  VectorView<Token const, Space> targets = {};         ///< [tokens]; negative: ignored
  MatrixView<Scalar const, Space> input_fields = {};   ///< [tokens, input_features]
  MatrixView<Scalar const, Space> target_fields = {};  ///< [tokens, output_features]
  /// The loss is `weight` times the sum over rows: 1/(number of targets) of the *global* batch
  /// gives a mean that does not depend on how the batch is split.
  double weight = 1;
};

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

/// From the last features to the loss ℓ = weight·Σ rows.
///
/// The four passes of Layer in one sweep over chunks of rows, so that memory does not grow with
/// tokens × outputs and no pass has to compute the outputs z again within a sweep.
template <class Scalar, class Space>
class OutputLayer {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;
  using ConstMatrix = MatrixView<Scalar const, Space>;
  using MutableMatrix = MatrixView<Scalar, Space>;

  virtual ~OutputLayer() = default;
  virtual std::string kind() const = 0;
  virtual Index in_features() const = 0;
  virtual Index out_features() const = 0;
  virtual std::vector<SegmentSpec> parameters() const = 0;
  virtual double forward_flops(Index tokens) const = 0;
  /// Of the context's scratch memory, for a sweep without or with tangents.
  virtual Index scratch_bytes(Index tokens, bool tangents) const = 0;

  /// What a sweep over the chunks shall produce. Empty views are not produced.
  struct Sweep {
    ConstMatrix x;         ///< [tokens, in_features]
    MutableMatrix dx;      ///< backward: ∂ℓ/∂x, overwritten
    MutableVector dtheta;  ///< backward: added to
    ConstVector u;         ///< direction; with it the tangent quantities below
    ConstMatrix x_dot;     ///< [tokens, in_features]
    MutableMatrix dx_dot;  ///< tangent backward: overwritten
    MutableVector hu;      ///< tangent backward: added to
    /// Drop the curvature of everything but the loss as a function of the outputs z:
    /// dx_dot = Wᵀ(∂²ℓ/∂z²)ż and the matching hu, as the Gauss-Newton product needs.
    bool gauss_newton = false;
  };
  struct Result {
    double loss = 0;      ///< weight·Σ rows of this rank's batch
    double loss_dot = 0;  ///< its derivative along (x_dot, u): the directional derivative ⟨g, u⟩
  };

  /// One sweep: forward always, the other passes as asked. Waits for the instance (returns
  /// scalars).
  virtual Result sweep(Context<Space> const& context, ConstVector theta,
                       Batch<Scalar, Space> const& batch, Sweep const& what) const = 0;

  /// The outputs themselves, [rows, out_features], for sampling.
  virtual void outputs(Context<Space> const& context, ConstVector theta, ConstMatrix x,
                       MutableMatrix z) const = 0;
};

}  // namespace kyrtos::layers
