// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/batch.hpp>
#include <kyrtos/core/context.hpp>
#include <kyrtos/core/parameter_layout.hpp>

#include <string>
#include <vector>

namespace kyrtos::layers {

/// From the last features to the loss ℓ = weight·Σ rows.
///
/// The four passes of Layer, chunk of rows by chunk, so that memory does not grow with
/// tokens × outputs and no pass has to compute the outputs z again.
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
  /// Of the context's scratch memory, for passes without or with tangents.
  virtual Index scratch_bytes(Index tokens, bool tangents) const = 0;

  /// What the passes shall produce. Empty views are not produced.
  struct Passes {
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

  /// Forward always, the other passes as asked. Waits for the instance (returns
  /// scalars).
  virtual Result run(Context<Space> const& context, ConstVector theta,
                     Batch<Scalar, Space> const& batch, Passes const& what) const = 0;

  /// The outputs themselves, [rows, out_features], for sampling.
  virtual void outputs(Context<Space> const& context, ConstVector theta, ConstMatrix x,
                       MutableMatrix z) const = 0;
};

}  // namespace kyrtos::layers
