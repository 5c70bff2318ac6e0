// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "model/model_run.hpp"

/// \file
/// \brief Small models of the families that Hugging Face has.

namespace kyrtos::testing {

inline model::TransformerConfig grouped_llama() {
  auto config = small(model::llama_config());
  config.heads = 4;
  config.kv_heads = 2;
  config.head_size = 6;
  config.rotary_base = 50;
  config.norm_epsilon = 1e-3;
  return config.resolved();
}
inline model::TransformerConfig small_gpt2() {
  auto config = small(model::gpt2_config());
  config.norm_epsilon = 1e-3;
  return config.resolved();
}

inline model::TransformerConfig qwen2() {
  auto config = grouped_llama();
  config.attention_bias = model::AttentionBias::qkv;
  config.rotary_scaling = {.kind = layers::RotaryScaling::Kind::yarn, .factor = 4, .context = 20};
  return config.resolved();
}
inline model::TransformerConfig qwen3() {
  auto config = grouped_llama();
  config.qk_norm = true;
  config.tied = true;
  return config.resolved();
}
inline model::TransformerConfig olmo2() {
  auto config = grouped_llama();
  config.head_size = 6;
  config.width = config.heads * config.head_size;
  config.norm_position = model::NormPosition::reordered;
  config.qk_norm = true;
  config.qk_norm_over = model::QkNormOver::all_heads;
  return config.resolved();
}
inline model::TransformerConfig gpt_neox() {
  auto config = small_gpt2();
  config.positions = model::Positions::rotary;
  config.head_size = 0;
  config.rotary_features = 4;
  config.activation = model::MlpActivation::gelu;
  config.parallel_residual = true;
  config.tied = false;
  return config.resolved();
}
inline model::TransformerConfig llama31() {
  auto config = grouped_llama();
  config.attention_bias = model::AttentionBias::all;
  config.rotary_scaling = {
      .kind = layers::RotaryScaling::Kind::llama3, .factor = 8, .context = 20, .fast = 3};
  return config.resolved();
}

inline model::TransformerConfig mistral() {
  auto config = grouped_llama();
  config.attention_window = 3;
  return config.resolved();
}
inline model::TransformerConfig qwen3_with_window() {
  auto config = qwen3();
  config.attention_window = 4;
  return config.resolved();
}

/// One model of every family.
inline std::vector<model::TransformerConfig> models_of_all_families() {
  return {small_gpt2(), grouped_llama(),    qwen2(), qwen3(), olmo2(), gpt_neox(), llama31(),
          mistral(),    qwen3_with_window()};
}

}  // namespace kyrtos::testing
