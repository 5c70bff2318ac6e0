// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/parameter_layout.hpp>

#include <string>
#include <vector>

/// \file
/// \brief The contract of every layer: four passes.
///
/// For y = f(x, θ) and a scalar loss ℓ, with ẋ, θ̇ = u a direction, overdots derivatives along it:
///
/// | pass             | reads                        | writes                                  |
/// |------------------|------------------------------|-----------------------------------------|
/// | forward          | x, θ                         | y, saved                                |
/// | backward         | dy, x, y, saved, θ           | dx = (∂y/∂x)ᵀdy; adds (∂y/∂θ)ᵀdy to dθ   |
/// | tangent forward  | ẋ, u and the above           | ẏ = (∂y/∂x)ẋ + (∂y/∂θ)u, tangent saved  |
/// | tangent backward | dẏ, dy and all of the above  | dẋ; adds dθ̇ to Hu                       |
///
/// where dx stands for ∂ℓ/∂x. The tangent passes are the derivative along (ẋ, u) of the first two
/// (Pearlmutter, "Fast exact multiplication by the Hessian", 1994): exact, no finite differences.

namespace kyrtos::layers {

/// What one pass forward leaves behind; also used for its tangent (ẋ, ẏ, tangent saved).
/// The caller keeps `x` and `y` unchanged until the last backward pass that reads them; `saved`
/// is for what can't be had from them at small cost.
template <class Scalar, class Space>
struct Activation {
  SequenceShape shape;
  MatrixView<Scalar const, Space> x;  ///< [tokens, in_features]
  MatrixView<Scalar, Space> y;        ///< [tokens, out_features]
  VectorView<Scalar, Space> saved;    ///< [saved_size] or [tangent_saved_size]
  /// [tokens, out_features] that y is added to: y = residual + f(x), and its tangent likewise.
  /// Empty: none. Only for layers that adds_to_output().
  MatrixView<Scalar const, Space> residual = {};
};

/// What one pass backward reads (`y` = ∂ℓ/∂y) and writes (`x` = ∂ℓ/∂x); also for its tangent.
/// An empty `x` means that nobody needs it.
template <class Scalar, class Space>
struct Adjoint {
  MatrixView<Scalar const, Space> y;  ///< [tokens, out_features]
  MatrixView<Scalar, Space> x;        ///< [tokens, in_features], overwritten
  /// [tokens, in_features] that is added to x. Empty: none. Only for layers that adds_to_adjoint().
  MatrixView<Scalar const, Space> joining = {};
};

/// What a layer that looks at earlier tokens keeps of them, while a sequence is continued.
template <class Scalar, class Space>
struct Past {
  Index tokens = 0;                  ///< That came before.
  Index capacity = 0;                ///< Most tokens that there is room for.
  VectorView<Scalar, Space> memory;  ///< [past_size(capacity)]
};

/// A differentiable map of token rows with its own parameters.
///
/// θ, u, dθ and Hu are the layer's slices of flat vectors: its segments, in the order of
/// parameters(), without gaps. An empty dθ skips the parameters' gradient. Layers hold their
/// configuration only, so one object serves every block and every thread.
template <class Scalar, class Space>
class Layer {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;
  using Pass = Activation<Scalar, Space>;
  using Back = Adjoint<Scalar, Space>;

  virtual ~Layer() = default;

  /// The name that kernels and regions carry, such as `linear`.
  virtual std::string kind() const = 0;
  virtual Index in_features() const = 0;
  virtual Index out_features() const = 0;
  virtual std::vector<SegmentSpec> parameters() const { return {}; }
  virtual Index saved_size(SequenceShape) const { return 0; }
  virtual Index tangent_saved_size(SequenceShape) const { return 0; }

  /// True for maps linear in x that neither read x or y again: x and y (and the adjoints) may
  /// then be the same memory.
  virtual bool in_place() const { return false; }

  /// Whether passes forward add y to a residual, and passes backward dx to a joining adjoint, where
  /// they are given one: a sum that costs no kernel of its own.
  virtual bool adds_to_output() const { return false; }
  virtual bool adds_to_adjoint() const { return false; }

  /// Floating-point operations of a forward pass; the others are stated in each layer's header.
  virtual double forward_flops(SequenceShape) const = 0;

  virtual void forward(Context<Space> const& context, ConstVector theta, Pass const& p) const = 0;

  /// Values to keep of earlier tokens, for extend().
  virtual Index past_size([[maybe_unused]] Index capacity) const { return 0; }

  /// The forward pass of tokens that continue one causal sequence (p.shape.batch = 1), of which the
  /// layer has seen `past.tokens`: y is what forward() gives for these rows of the whole sequence.
  /// `saved` is not written.
  virtual void extend(Context<Space> const& context, ConstVector theta, Pass const& p,
                      Past<Scalar, Space> const&) const {
    forward(context, theta, p);  // right where a row depends on no other
  }

  virtual void backward(Context<Space> const& context, ConstVector theta, Pass const& p,
                        Back const& a, MutableVector dtheta) const = 0;

  virtual void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                               Pass const& p, Pass const& t) const = 0;

  virtual void tangent_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                                Pass const& p, Pass const& t, Back const& a, Back const& ta,
                                MutableVector hu) const = 0;

 protected:
  Layer() = default;
  Layer(Layer const&) = default;
  Layer& operator=(Layer const&) = default;
};

}  // namespace kyrtos::layers
