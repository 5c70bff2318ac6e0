// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>

#include "family.hpp"

namespace kyrtos::hugging_face {

namespace {

using model::MlpActivation;

Family gpt2() {
  Family f{.type = "gpt2",
           .architecture = "GPT2LMHeadModel",
           .name = "a GPT-2",
           .prefix = "transformer.",
           .blocks = "h.",
           .matrices = Family::Matrices::transposed,
           .base = model::gpt2_config(),
           .settings = {},
           .layers = {}};
  f.settings = {size("vocab_size", &Config::vocabulary),
                size("n_positions", &Config::context),
                size("n_embd", &Config::width),
                size("n_layer", &Config::depth),
                size("n_head", &Config::heads),
                size("n_inner", &Config::mlp_width, 0),
                activation("activation_function",
                           {{"gelu_new", MlpActivation::gelu_tanh},
                            {"gelu_pytorch_tanh", MlpActivation::gelu_tanh},
                            {"gelu", MlpActivation::gelu}},
                           "gelu_new"),
                real("layer_norm_epsilon", &Config::norm_epsilon, 1e-5),
                flag("tie_word_embeddings", &Config::tied, true),
                fixed("scale_attn_weights", true, "attention without 1/sqrt(head size)"),
                fixed("scale_attn_by_inverse_layer_idx", false, "attention scaled by layer"),
                fixed("add_cross_attention", false, "cross-attention")};
  f.layers = {{"embedding.token", {"wte"}},
              {"embedding.position", {"wpe"}},
              {"norm1", {"ln_1"}},
              {"attention.qkv", {"attn.c_attn"}},
              {"attention.output", {"attn.c_proj"}},
              {"norm2", {"ln_2"}},
              {"mlp.up", {"mlp.c_fc"}},
              {"mlp.down", {"mlp.c_proj"}},
              {"final_norm", {"ln_f"}},
              {"head", {"lm_head"}}};
  return f;
}

/// Appends settings to those of a family.
Family with(Family f, std::vector<Setting> const& more) {
  f.settings.insert(f.settings.end(), more.begin(), more.end());
  return f;
}

/// Names and settings that Llama shares with the families that follow it.
Family like_llama(std::string const& type, std::string const& architecture, std::string const& name,
                  Index context, double epsilon) {
  Family f{.type = type,
           .architecture = architecture,
           .name = name,
           .prefix = "model.",
           .blocks = "layers.",
           .base = model::llama_config(),
           .settings = {},
           .layers = {}};
  f.settings = {size("vocab_size", &Config::vocabulary),
                size("max_position_embeddings", &Config::context, context),
                size("hidden_size", &Config::width),
                size("num_hidden_layers", &Config::depth),
                size("num_attention_heads", &Config::heads),
                size("intermediate_size", &Config::mlp_width),
                activation("hidden_act", {{"silu", MlpActivation::swiglu}}, "silu"),
                real("rms_norm_eps", &Config::norm_epsilon, epsilon),
                flag("tie_word_embeddings", &Config::tied, false)};
  f.layers = {{"embedding.token", {"embed_tokens"}},
              {"norm1", {"input_layernorm"}},
              {"attention.qkv", {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}},
              {"attention.query_norm", {"self_attn.q_norm"}},
              {"attention.key_norm", {"self_attn.k_norm"}},
              {"attention.output", {"self_attn.o_proj"}},
              {"norm2", {"post_attention_layernorm"}},
              {"mlp.up", {"mlp.gate_proj", "mlp.up_proj"}},
              {"mlp.down", {"mlp.down_proj"}},
              {"final_norm", {"norm"}},
              {"head", {"lm_head"}}};
  return f;
}

Family llama() {
  auto f = like_llama("llama", "LlamaForCausalLM", "a Llama", 2048, 1e-6);
  return with(f, {size("num_key_value_heads", &Config::kv_heads, 0),
                  size("head_dim", &Config::head_size, 0), rotary({}),
                  attention_bias("attention_bias", false), flag("mlp_bias", &Config::bias, false)});
}

Family mistral() {
  auto f = like_llama("mistral", "MistralForCausalLM", "a Mistral", 131072, 1e-6);
  return with(
      f, {size("num_key_value_heads", &Config::kv_heads), size("head_dim", &Config::head_size, 0),
          rotary({}), sliding_window(SlidingWindow::always)});
}

Family qwen2() {
  auto f = like_llama("qwen2", "Qwen2ForCausalLM", "a Qwen2", 32768, 1e-6);
  f.base.attention_bias = model::AttentionBias::qkv;
  return with(
      f, {size("num_key_value_heads", &Config::kv_heads), size("head_dim", &Config::head_size, 0),
          rotary({}), sliding_window(SlidingWindow::on_demand),
          fixed("use_mrope", false, "positions of several kinds")});
}

Family qwen3() {
  auto f = like_llama("qwen3", "Qwen3ForCausalLM", "a Qwen3", 32768, 1e-6);
  f.base.qk_norm = true;
  return with(f,
              {size("num_key_value_heads", &Config::kv_heads), size("head_dim", &Config::head_size),
               rotary({}), sliding_window(SlidingWindow::on_demand),
               attention_bias("attention_bias", false)});
}

Family olmo2() {
  auto f = like_llama("olmo2", "Olmo2ForCausalLM", "an OLMo 2", 2048, 1e-5);
  f.base.norm_position = model::NormPosition::reordered;
  f.base.qk_norm = true;
  f.base.qk_norm_over = model::QkNormOver::all_heads;
  for (auto& layer : f.layers) {
    if (layer.here == "norm1") layer.there = {"post_attention_layernorm"};
    if (layer.here == "norm2") layer.there = {"post_feedforward_layernorm"};
  }
  return with(f, {size("num_key_value_heads", &Config::kv_heads, 0), rotary({}),
                  attention_bias("attention_bias", false)});
}

Family gpt_neox() {
  Family f{.type = "gpt_neox",
           .architecture = "GPTNeoXForCausalLM",
           .name = "a GPT-NeoX",
           .prefix = "gpt_neox.",
           .blocks = "layers.",
           .matrices = Family::Matrices::by_head,
           .base = model::gpt2_config(),
           .settings = {},
           .layers = {}};
  f.base.positions = model::Positions::rotary;
  f.settings = {size("vocab_size", &Config::vocabulary),
                size("max_position_embeddings", &Config::context, 2048),
                size("hidden_size", &Config::width),
                size("num_hidden_layers", &Config::depth),
                size("num_attention_heads", &Config::heads),
                size("intermediate_size", &Config::mlp_width),
                activation("hidden_act",
                           {{"gelu", MlpActivation::gelu},
                            {"gelu_new", MlpActivation::gelu_tanh},
                            {"gelu_fast", MlpActivation::gelu_tanh},
                            {"gelu_pytorch_tanh", MlpActivation::gelu_tanh}},
                           "gelu"),
                real("layer_norm_eps", &Config::norm_epsilon, 1e-5),
                flag("tie_word_embeddings", &Config::tied, false),
                flag("use_parallel_residual", &Config::parallel_residual, true),
                rotary({.base = "rotary_emb_base", .share = "rotary_pct", .share_otherwise = 0.25}),
                attention_bias("attention_bias", true)};
  f.layers = {{"embedding.token", {"embed_in"}},
              {"norm1", {"input_layernorm"}},
              {"attention.qkv", {"attention.query_key_value"}},
              {"attention.output", {"attention.dense"}},
              {"norm2", {"post_attention_layernorm"}},
              {"mlp.up", {"mlp.dense_h_to_4h"}},
              {"mlp.down", {"mlp.dense_4h_to_h"}},
              {"final_norm", {"final_layer_norm"}},
              {"head", {"embed_out"}}};
  return f;
}

}  // namespace

std::vector<Family> const& families() {
  static std::vector<Family> const all{gpt2(),  llama(), mistral(), qwen2(),
                                       qwen3(), olmo2(), gpt_neox()};
  return all;
}

std::vector<std::string> const& Family::names(std::string const& here) const {
  for (auto const& layer : layers)
    if (layer.here == here) return layer.there;
  throw Error("hugging_face: " + name + " has no '" + here + "'");
}

}  // namespace kyrtos::hugging_face
