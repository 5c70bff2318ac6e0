// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer_config.hpp>

#include "activations.hpp"
#include "attention.hpp"
#include "cross_entropy_head.hpp"
#include "gate.hpp"
#include "linear.hpp"
#include "linear_embedding.hpp"
#include "mean_squared_error_head.hpp"
#include "normalization.hpp"
#include "qk_norm.hpp"
#include "rotary.hpp"
#include "token_embedding.hpp"

#include <vector>

namespace kyrtos::reference {

/// A whole model as plain loops: the outputs z(θ) and the loss ℓ(z), its parameters one after the
/// other as they come up.
struct Transformer {
  model::TransformerConfig c;  ///< Resolved.
  SequenceShape shape;
  double weight;
  std::vector<Token> tokens, targets;
  std::vector<double> fields, target_fields;
  std::vector<bool> active;  ///< One a block.

  template <class T>
  std::vector<T> outputs(std::vector<T> const& theta) const {
    Cursor<T> next{theta};
    auto const embedding = next(embedding_size());
    auto x = c.continuous() ? LinearEmbedding{size(c.input_features), size(c.width), positions(),
                                              fields}(shape, embedding)
                            : TokenEmbedding{size(c.vocabulary), size(c.width), positions(),
                                             tokens}(shape, embedding);
    for (bool const is_active : active) {
      auto const after_block = block(x, next);
      if (is_active) x = after_block;
    }
    if (c.has_final_norm()) x = norm(x, next);
    if (c.continuous())
      return mse_head().outputs(shape, x, next(size(c.output_features * (c.width + 1))));
    auto const matrix = size(c.vocabulary * c.width);
    return token_head().outputs(shape, x, c.tied ? first(embedding, matrix) : next(matrix));
  }

  /// One block alone, with its own parameters.
  template <class T>
  std::vector<T> block(std::vector<T> const& x, std::vector<T> const& theta) const {
    Cursor<T> next{theta};
    return block(x, next);
  }

  template <class T>
  T loss_of(std::vector<T> const& z) const {
    return c.continuous() ? mse_head().loss(z) : token_head().loss(z);
  }

 private:
  template <class T>
  struct Cursor {
    std::vector<T> const& theta;
    std::size_t at = 0;
    std::vector<T> operator()(std::size_t count) {
      auto const begin = theta.begin() + static_cast<std::ptrdiff_t>(at);
      at += count;
      return {begin, begin + static_cast<std::ptrdiff_t>(count)};
    }
  };

  static std::size_t size(Index i) { return static_cast<std::size_t>(i); }
  template <class T>
  static std::vector<T> first(std::vector<T> const& v, std::size_t count) {
    return {v.begin(), v.begin() + static_cast<std::ptrdiff_t>(count)};
  }
  template <class T>
  static std::vector<T> plus(std::vector<T> a, std::vector<T> const& b) {
    for (std::size_t i = 0; i < a.size(); ++i) a[i] += b[i];
    return a;
  }

  std::size_t positions() const {
    return c.positions == model::Positions::learned ? size(c.context) : 0;
  }
  std::size_t embedding_size() const {
    Index const rows = c.continuous() ? c.input_features + 1 : c.vocabulary;
    return (size(rows) + positions()) * size(c.width);
  }
  CrossEntropyHead token_head() const {
    return {size(c.width), size(c.vocabulary), c.z_loss, weight, targets};
  }
  MeanSquaredErrorHead mse_head() const {
    return {size(c.width), size(c.output_features), weight, target_fields};
  }

  template <class T>
  std::vector<T> block(std::vector<T> const& x, Cursor<T>& next) const {
    using Position = model::NormPosition;
    bool const is_post = c.norm_position == Position::post;
    auto y = plus(x, attention(x, next));
    if (is_post) y = norm(y, next);
    y = plus(y, mlp(c.parallel_residual ? x : y, next));
    return is_post ? norm(y, next) : y;
  }

  template <class T>
  std::vector<T> linear(std::vector<T> const& x, Index in, Index out, bool bias,
                        Cursor<T>& next) const {
    auto const parameters = next(size(out * (in + (bias ? 1 : 0))));
    return Linear{size(in), size(out), bias}(shape, x, parameters);
  }

  template <class T>
  std::vector<T> norm(std::vector<T> const& x, Cursor<T>& next) const {
    bool const centered = c.norm == model::Norm::layer_norm, bias = centered && c.bias;
    return Normalization{size(c.width), c.norm_epsilon, centered, bias}(
        shape, x, next(size(c.width) * (bias ? 2 : 1)));
  }

  /// What a branch adds to the stream, from its last linear layer's output.
  template <class T>
  std::vector<T> branch_output(std::vector<T> x, Cursor<T>& next) const {
    if (c.norm_position == model::NormPosition::reordered) x = norm(x, next);
    for (T& value : x) value = T(c.residual_scale) * value;
    return c.gated ? Gate()(shape, x, next(1)) : x;
  }

  template <class T>
  std::vector<T> attention(std::vector<T> x, Cursor<T>& next) const {
    using Bias = model::AttentionBias;
    auto const heads = size(c.heads), kv_heads = size(c.kv_heads), head_size = size(c.head_size);
    bool const as_others = c.attention_bias == Bias::as_others;
    bool const output_bias = as_others ? c.bias : c.attention_bias == Bias::all;
    bool const qkv_bias = output_bias || c.attention_bias == Bias::qkv;
    if (c.norm_position == model::NormPosition::pre) x = norm(x, next);
    x = linear(x, c.width, (c.heads + 2 * c.kv_heads) * c.head_size, qkv_bias, next);
    bool const all = c.qk_norm_over == model::QkNormOver::all_heads;
    auto const normed = all ? (heads + kv_heads) * head_size : 2 * head_size;
    if (c.qk_norm)
      x = QkNorm{heads, kv_heads, head_size, c.norm_epsilon, all}(shape, x, next(normed));
    if (c.positions == model::Positions::rotary)
      x = Rotary{heads,           kv_heads, head_size, c.rotary_base, size(c.rotary_features),
                 c.rotary_scaling}(shape, x, {});
    x = Attention{heads, kv_heads, head_size, c.causal, c.soft_cap, size(c.attention_window)}(
        shape, x, {});
    return branch_output(linear(x, c.heads * c.head_size, c.width, output_bias, next), next);
  }

  template <class T>
  std::vector<T> mlp(std::vector<T> x, Cursor<T>& next) const {
    bool const gated = c.activation == model::MlpActivation::swiglu;
    if (c.norm_position == model::NormPosition::pre) x = norm(x, next);
    x = linear(x, c.width, (gated ? 2 : 1) * c.mlp_width, c.bias, next);
    if (gated)
      x = SwiGlu{size(c.mlp_width)}(shape, x, {});
    else
      x = Gelu{c.activation == model::MlpActivation::gelu}(shape, x, {});
    return branch_output(linear(x, c.mlp_width, c.width, c.bias, next), next);
  }
};

}  // namespace kyrtos::reference
