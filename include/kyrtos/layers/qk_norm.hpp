// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

namespace kyrtos::layers {

struct QkNormOptions {
  Index heads = 1;      ///< Query heads H.
  Index kv_heads = 0;   ///< Key/value heads H_kv; 0: as `heads`.
  Index head_size = 1;  ///< D
  double epsilon = 1e-5;
  bool all_heads = false;  ///< One norm over all query heads, and one over all key heads.
};

/// RMS normalisation of every query and key head (Henry et al. 2020, arXiv 2010.04245; with the
/// RMS: Dehghani et al. 2023, arXiv 2302.05442), for the packed rows of attention,
/// [q heads | k heads | v heads]; v passes through. With `all_heads` (OLMo 2, arXiv 2501.00656) the
/// heads of the queries are normalised as one head of D = H·head_size features, and those of the
/// keys as one.
///
/// For one head of D features, with w the query's or the key's weight, ⟨·⟩ the mean over D:
///
///     r = (⟨x²⟩ + ε)^(-1/2),  n = r x,  y = w∘n                                    (forward)
///     α = ⟨n∘ẋ⟩,  ṅ = r(ẋ - α n),  ẏ = w∘ṅ + ẇ∘n                           (tangent forward)
///     g = w∘dy,  β = ⟨g∘n⟩,  dx = r(g - β n),  dw += dy∘n                          (backward)
///
/// and, since ṙ = -r²α, hence ġ = ẇ∘dy + w∘dẏ, β̇ = ⟨ġ∘n + g∘ṅ⟩,
///
///     dẋ = r(ġ - β̇ n - β ṅ - rα(g - β n)),  dẇ += dẏ∘n + dy∘ṅ               (tangent backward)
///
/// saved: r, tangent saved: α, each one number a (token, norm). Segments: `query_norm.weight` [D]
/// and `key_norm.weight` [D], ones. Each pass reads and
/// writes each of its matrices once. FLOPs a feature of q and k: about 4, 7, 8, 20. The weights'
/// gradients are summed in two stages in an order that the number of tokens alone fixes.
template <class Scalar, class Space>
class QkNorm : public Layer<Scalar, Space> {
 public:
  using typename Layer<Scalar, Space>::ConstVector;
  using typename Layer<Scalar, Space>::MutableVector;
  using typename Layer<Scalar, Space>::Pass;
  using typename Layer<Scalar, Space>::Back;

  /// \throws ConfigError when a size is not positive.
  explicit QkNorm(QkNormOptions const& options);

  std::string kind() const override { return "qk_norm"; }
  Index in_features() const override {
    return (options_.heads + 2 * options_.kv_heads) * options_.head_size;
  }
  Index out_features() const override { return in_features(); }
  std::vector<SegmentSpec> parameters() const override;
  Index saved_size(SequenceShape shape) const override { return shape.tokens() * norms(); }
  Index tangent_saved_size(SequenceShape shape) const override { return saved_size(shape); }
  double forward_flops(SequenceShape shape) const override;

  void forward(Context<Space> const& context, ConstVector theta, Pass const& p) const override;
  void backward(Context<Space> const& context, ConstVector theta, Pass const& p, Back const& a,
                MutableVector dtheta) const override;
  void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                       Pass const& p, Pass const& t) const override;
  void tangent_backward(Context<Space> const& context, ConstVector theta, ConstVector u,
                        Pass const& p, Pass const& t, Back const& a, Back const& ta,
                        MutableVector hu) const override;

 private:
  Index norms() const { return options_.all_heads ? 2 : options_.heads + options_.kv_heads; }
  Index query_size() const {
    return options_.head_size * (options_.all_heads ? options_.heads : 1);
  }
  Index key_size() const {
    return options_.head_size * (options_.all_heads ? options_.kv_heads : 1);
  }
  Index query_norms() const { return options_.all_heads ? 1 : options_.heads; }

  QkNormOptions options_;
};

}  // namespace kyrtos::layers
