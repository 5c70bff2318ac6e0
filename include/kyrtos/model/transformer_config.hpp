// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>
#include <kyrtos/layers/rotary_scaling.hpp>

namespace kyrtos::model {

enum class Norm { layer_norm, rms_norm };
enum class MlpActivation { gelu, gelu_tanh, swiglu };
enum class Positions { learned, rotary, none };

/// What a branch f makes of the residual stream x; there is a norm at the end of the model too with
/// `pre` and `reordered`.
enum class NormPosition {
  pre,        ///< x + f(norm(x))
  post,       ///< norm(x + f(x)), as in the first Transformers (arXiv 1706.03762)
  reordered,  ///< x + norm(f(x)), as in OLMo 2 (arXiv 2501.00656)
  none        ///< x + f(x), without any norm
};

/// Which linear layers of attention have biases.
enum class AttentionBias { as_others, none, qkv, all };

/// Over what the norms of queries and keys go.
enum class QkNormOver { each_head, all_heads };

/// Standard deviation of initial weights.
enum class InitialWeights {
  fixed,  ///< `initial_scale`; of the branches' outputs divided by √(2·depth), as in GPT-2.
  fan_in  ///< 1/√inputs for all matrices but the embeddings, which have `initial_scale`.
};

/// The shape of a Transformer: everything that fixes its parameters and its function.
///
/// A block is attention, then an MLP, each added to the residual stream. The defaults are GPT-2's;
/// llama_config() gives the other family.
struct TransformerConfig {
  // Ends. With `input_features` > 0 the model reads continuous fields instead of tokens and its
  // head is a mean squared error over `output_features`.
  Index vocabulary = 256;
  Index context = 256;  ///< Rows of the learned positions, which no sequence may pass; with other
                        ///< positions only a customary length.
  Index input_features = 0;
  Index output_features = 0;
  bool tied = true;   ///< The head's weight is the token embedding.
  double z_loss = 0;  ///< Adds z_loss·(log Σ exp z)² a token (0: off).

  // Trunk.
  Index depth = 6;
  Index width = 384;
  Index heads = 6;
  Index kv_heads = 0;   ///< Key/value heads, shared by heads/kv_heads query heads; 0: as `heads`.
  Index head_size = 0;  ///< 0: width / heads.
  Index mlp_width = 0;  ///< 0: 4·width (GELU), or 8/3·width rounded up to 64 (SwiGLU).
  Norm norm = Norm::layer_norm;
  NormPosition norm_position = NormPosition::pre;
  double norm_epsilon = 1e-5;
  MlpActivation activation = MlpActivation::gelu_tanh;
  Positions positions = Positions::learned;
  double rotary_base = 10000;
  Index rotary_features = 0;  ///< Of a head, that are rotated; 0: all.
  layers::RotaryScaling rotary_scaling = {};
  bool qk_norm = false;
  QkNormOver qk_norm_over = QkNormOver::each_head;
  double soft_cap = 0;  ///< Attention logits s become soft_cap·tanh(s/soft_cap) (0: off).
  bool causal = true;
  Index attention_window = 0;  ///< W: token t sees t-W+1 … t, if causal; 0: all before it.
  bool bias = true;            ///< Biases of linear layers and of LayerNorm.
  AttentionBias attention_bias = AttentionBias::as_others;
  bool parallel_residual = false;  ///< x + attention(norm₁(x)) + mlp(norm₂(x))
  double residual_scale = 1;       ///< What branches add to the stream is multiplied by it.
  bool gated = false;  ///< Each branch ends in a gate that growth opens (layers/gate.hpp).

  // Start.
  double initial_scale = 0.02;
  InitialWeights initial_weights = InitialWeights::fixed;

  bool continuous() const { return input_features > 0; }
  bool has_norms() const { return norm_position != NormPosition::none; }
  bool has_final_norm() const { return has_norms() && norm_position != NormPosition::post; }
  bool qkv_bias() const {
    return attention_bias == AttentionBias::as_others ? bias
                                                      : attention_bias != AttentionBias::none;
  }
  bool attention_output_bias() const {
    return attention_bias == AttentionBias::as_others ? bias : attention_bias == AttentionBias::all;
  }

  /// The same with every 0 that means "derive it" replaced.
  /// \throws ConfigError naming the key and the fix when the values do not fit together.
  TransformerConfig resolved() const;
};

/// GPT-2 style: LayerNorm, GELU (tanh), learned positions, biases, tied head.
TransformerConfig gpt2_config();

/// Llama style: RMSNorm, SwiGLU, rotary positions, no biases, untied head.
TransformerConfig llama_config();

}  // namespace kyrtos::model
