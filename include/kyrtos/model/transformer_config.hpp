// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <string>

namespace kyrtos::model {

enum class Norm { layer_norm, rms_norm };
enum class MlpActivation { gelu, gelu_tanh, swiglu };
enum class Positions { learned, rotary, none };

/// The shape of a Transformer: everything that fixes its parameters and its function.
///
/// A block is x + attention(norm₁(x)), then x + mlp(norm₂(x)) (pre-norm). The defaults are
/// GPT-2's; llama() gives the other family.
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
  double norm_epsilon = 1e-5;
  MlpActivation activation = MlpActivation::gelu_tanh;
  Positions positions = Positions::learned;
  double rotary_base = 10000;
  bool qk_norm = false;
  double soft_cap = 0;  ///< Attention logits s become soft_cap·tanh(s/soft_cap) (0: off).
  bool causal = true;
  bool bias = true;    ///< Biases of linear layers and of LayerNorm.
  bool gated = false;  ///< Each branch ends in a gate that growth opens (layers/gate.hpp).

  // Start.
  double initial_scale = 0.02;  ///< Standard deviation of weights; residual outputs get it
                                ///< divided by sqrt(2·depth), as in GPT-2.

  bool continuous() const { return input_features > 0; }

  /// The same with every 0 that means "derive it" replaced.
  /// \throws ConfigError naming the key and the fix when the values do not fit together.
  TransformerConfig resolved() const;
};

/// GPT-2 style: LayerNorm, GELU (tanh), learned positions, biases, tied head.
TransformerConfig gpt2_config();

/// Llama style: RMSNorm, SwiGLU, rotary positions, no biases, untied head.
TransformerConfig llama_config();

}  // namespace kyrtos::model
