// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

namespace kyrtos::layers {

struct RotaryOptions {
  Index heads = 1;      ///< Query heads H.
  Index kv_heads = 0;   ///< Key/value heads H_kv; 0: as `heads`.
  Index head_size = 2;  ///< D, even.
  double base = 10000;
};

/// Rotary positions (Su et al. 2021, arXiv 2104.09864) for the packed rows of attention,
/// [q heads | k heads | v heads]: with R(φ) the rotation by φ, in every q and k head
///
///     (yᵢ, yᵢ₊ₕ) = R(t·base^(-2i/D)) (xᵢ, xᵢ₊ₕ),   i < h = D/2,
///
/// t the token's index in its sequence; v passes through. Pairs are (i, i + D/2), as in Llama's and
/// Hugging Face's weights; the paper pairs (2i, 2i + 1), which is the same up to an order of
/// features.
///
/// The map is linear and orthogonal: forward and tangent forward are R, backward and tangent
/// backward Rᵀ, the rotation by the negative angle. Nothing is saved; x and y may be the same.
///
/// Angles are double precision whatever the scalar: every 32 tokens their sines are computed
/// afresh, between by the addition theorem, which stays within 1e-14. One sweep (one read, one
/// write; in place without v), 3 FLOPs a feature of q and k.
template <class Scalar, class Space>
class Rotary : public Layer<Scalar, Space> {
 public:
  using typename Layer<Scalar, Space>::ConstVector;
  using typename Layer<Scalar, Space>::MutableVector;
  using typename Layer<Scalar, Space>::Pass;
  using typename Layer<Scalar, Space>::Back;

  /// \throws ConfigError for an odd head size or a base that is not positive.
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
