// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>
#include <kyrtos/layers/gate.hpp>
#include <kyrtos/layers/gelu.hpp>
#include <kyrtos/layers/layer_norm.hpp>
#include <kyrtos/layers/linear.hpp>
#include <kyrtos/layers/qk_norm.hpp>
#include <kyrtos/layers/rms_norm.hpp>
#include <kyrtos/layers/rotary.hpp>
#include <kyrtos/layers/scale.hpp>
#include <kyrtos/layers/swiglu.hpp>
#include <kyrtos/model/chain.hpp>
#include <kyrtos/model/transformer_config.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

namespace kyrtos::model::detail {

/// The layers of a block, as a configuration asks for them. They are added to `Links`: a Chain, or
/// whatever has its add() and end_residual().
template <class Scalar, class Space>
class BlockLayers {
 public:
  using Layer = std::shared_ptr<layers::Layer<Scalar, Space> const>;
  using Attention = std::shared_ptr<layers::Attention<Scalar, Space> const>;

  explicit BlockLayers(TransformerConfig const& config, layers::AttentionMethod attention = {})
      : c(config), attention_method_(attention) {}

  template <class Links>
  Attention append_attention(Links& chain) const {
    if (c.norm_position == NormPosition::pre) chain.add("norm1", norm());
    chain.add("attention.qkv",
              linear(c.width, (c.heads + 2 * c.kv_heads) * c.head_size, c.qkv_bias()));
    auto const attention = append_heads(chain);
    append_output(chain, "attention", ".output",
                  output(c.heads * c.head_size, c.attention_output_bias()), "norm1");
    return attention;
  }

  template <class Links>
  void append_mlp(Links& chain) const {
    bool const gated = c.activation == MlpActivation::swiglu;
    if (c.norm_position == NormPosition::pre) chain.add("norm2", norm());
    chain.add("mlp.up", linear(c.width, (gated ? 2 : 1) * c.mlp_width, c.bias));
    if (gated)
      chain.add("mlp.activation", make<layers::SwiGlu>(c.mlp_width));
    else
      chain.add("mlp.activation",
                make<layers::Gelu>(c.mlp_width, c.activation == MlpActivation::gelu
                                                    ? layers::GeluKind::exact
                                                    : layers::GeluKind::tanh));
    append_output(chain, "mlp", ".down", output(c.mlp_width, c.bias), "norm2");
  }

  Layer norm() const {
    if (c.norm == Norm::rms_norm) return make<layers::RmsNorm>(c.width, c.norm_epsilon);
    return make<layers::LayerNorm>(c.width, c.norm_epsilon, c.bias);
  }

 private:
  template <template <class, class> class Kind, class... Arguments>
  static std::shared_ptr<Kind<Scalar, Space> const> make(Arguments const&... arguments) {
    return std::make_shared<Kind<Scalar, Space>>(arguments...);
  }

  /// From queries, keys and values to the heads' outputs.
  template <class Links>
  Attention append_heads(Links& chain) const {
    if (c.qk_norm)
      chain.add("attention", make<layers::QkNorm>(layers::QkNormOptions{
                                 .heads = c.heads,
                                 .kv_heads = c.kv_heads,
                                 .head_size = c.head_size,
                                 .epsilon = c.norm_epsilon,
                                 .all_heads = c.qk_norm_over == QkNormOver::all_heads}));
    if (c.positions == Positions::rotary)
      chain.add("attention.rotary",
                make<layers::Rotary>(layers::RotaryOptions{.heads = c.heads,
                                                           .kv_heads = c.kv_heads,
                                                           .head_size = c.head_size,
                                                           .base = c.rotary_base,
                                                           .features = c.rotary_features,
                                                           .scaling = c.rotary_scaling}));
    auto const attention =
        make<layers::Attention>(layers::AttentionOptions{.heads = c.heads,
                                                         .kv_heads = c.kv_heads,
                                                         .head_size = c.head_size,
                                                         .causal = c.causal,
                                                         .soft_cap = c.soft_cap,
                                                         .window = c.attention_window,
                                                         .method = attention_method_});
    chain.add("attention.heads", attention);
    return attention;
  }

  /// What follows the heads or the activation, up to the residual stream.
  template <class Links>
  void append_output(Links& chain, std::string const& branch, char const* last,
                     Layer const& projection, char const* norm_name) const {
    chain.add(branch + last, projection);
    if (c.norm_position == NormPosition::reordered) chain.add(norm_name, norm());
    if (c.residual_scale != 1)
      chain.add(branch + ".scale", make<layers::Scale>(c.width, c.residual_scale));
    if (c.gated) chain.add(branch, make<layers::Gate>(c.width));
    chain.end_residual();
    if (c.norm_position == NormPosition::post) chain.add(norm_name, norm());
  }

  bool is_fan_in() const { return c.initial_weights == InitialWeights::fan_in; }
  double scale_for(Index inputs) const {
    return is_fan_in() ? 1 / std::sqrt(static_cast<double>(inputs)) : c.initial_scale;
  }
  Layer linear(Index in, Index out, bool bias) const {
    return make<layers::Linear>(in, out, bias, scale_for(in));
  }
  /// The last linear layer of a branch, which writes to the residual stream: two a block, so that
  /// by GPT-2's initialisation the sum of all has the variance of one.
  Layer output(Index in, bool bias) const {
    double const depth = static_cast<double>(std::max<Index>(c.depth, 1));
    return make<layers::Linear>(
        in, c.width, bias, is_fan_in() ? scale_for(in) : c.initial_scale / std::sqrt(2 * depth));
  }

  TransformerConfig const& c;
  layers::AttentionMethod attention_method_;
};

}  // namespace kyrtos::model::detail
