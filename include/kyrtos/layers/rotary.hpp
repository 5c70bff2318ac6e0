// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>
#include <kyrtos/layers/rotary_scaling.hpp>

namespace kyrtos::layers {

struct RotaryOptions {
  Index heads = 1;      ///< Query heads H.
  Index kv_heads = 0;   ///< Key/value heads H_kv; 0: as `heads`.
  Index head_size = 2;  ///< D
  double base = 10000;
  Index features = 0;  ///< R, even: how many of a head are rotated, from the first on; 0: all D.
  RotaryScaling scaling = {};
};

/// Rotary positions (Su et al. 2021, arXiv 2104.09864) for the packed rows of attention,
/// [q heads | k heads | v heads]: with R(φ) the rotation by φ, in every q and k head
///
///     (yᵢ, yᵢ₊ₕ) = R(t·base^(-2i/R)) (xᵢ, xᵢ₊ₕ),   i < h = R/2,
///
/// t the token's index in its sequence; v and a head's features from R on pass through. Pairs are
/// (i, i + R/2), as in Llama's and Hugging Face's weights; the paper pairs (2i, 2i + 1), which is
/// the same up to an order of features. Frequencies may be lowered and queries and keys multiplied
/// by an amplitude: rotary_scaling.hpp.
///
/// The map is linear, and orthogonal but for the amplitude: forward and tangent forward are R,
/// backward and tangent backward Rᵀ, the rotation by the negative angle. Nothing is saved; x and y
/// may be the same.
///
/// Angles are double precision whatever the scalar: every 32 tokens their sines are computed
/// afresh, between by the addition theorem, which stays within 1e-14. One read, one
/// write; in place without v), 3 FLOPs a feature that is rotated.
template <class Scalar, class Space>
class Rotary : public Layer<Scalar, Space> {
 public:
  using typename Layer<Scalar, Space>::ConstVector;
  using typename Layer<Scalar, Space>::MutableVector;
  using typename Layer<Scalar, Space>::Pass;
  using typename Layer<Scalar, Space>::Back;

  /// \throws ConfigError for features that are no pairs, a base that is not positive, or a scaling
  /// without sense.
  explicit Rotary(RotaryOptions const& options);

  std::string kind() const override { return "rotary"; }
  Index in_features() const override {
    return (options_.heads + 2 * options_.kv_heads) * options_.head_size;
  }
  Index out_features() const override { return in_features(); }
  bool in_place() const override { return true; }
  double forward_flops(SequenceShape shape) const override;

  void forward(Context<Space> const& context, ConstVector theta, Pass const& p) const override;
  void extend(Context<Space> const& context, ConstVector theta, Pass const& p,
              Past<Scalar, Space> const& past) const override;
  void backward(Context<Space> const& context, ConstVector theta, Pass const& p, Back const& a,
                MutableVector dtheta) const override;
  void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                       Pass const& p, Pass const& t) const override;
  void tangent_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                        Pass const& p, Pass const& t, Back const& a, Back const& ta,
                        MutableVector hu) const override;

 private:
  RotaryOptions options_;
};

}  // namespace kyrtos::layers
