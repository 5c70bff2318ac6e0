// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/version.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>

#include "family.hpp"

#include <fmt/format.h>
#include <limits>
#include <nlohmann/json.hpp>

namespace kyrtos::hugging_face {

namespace {

using nlohmann::json;

/// The settings of a config.json, with errors that name them.
class Settings {
 public:
  Settings(std::string const& text, std::string source) : source_(std::move(source)) {
    constexpr int deepest = 20;
    bool too_deep = false;
    object_ = json::parse(
        text,
        [&](int depth, json::parse_event_t, json&) {
          too_deep = too_deep || depth > deepest;
          return !too_deep;
        },
        /*allow_exceptions=*/false);
    require<FileError>(!too_deep && object_.is_object(),
                       source_ + ": must be a JSON object, as the config.json of Hugging Face is");
  }

  [[noreturn]] void fail(std::string const& what) const {
    throw ConfigError(source_ + ": " + what);
  }

  /// Whether it is given, and not null.
  bool has(char const* key) const { return object_.contains(key) && !object_[key].is_null(); }

  /// A setting that must be there.
  Index integer(char const* key) const {
    if (!has(key)) fail(fmt::format("has no '{}'", key));
    auto const& value = object_[key];
    constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
    if (!value.is_number_unsigned() || value.get<std::uint64_t>() > most || value == 0)
      fail(fmt::format("'{}' must be an integer from 1 to {}", key, most));
    return value.get<Index>();
  }
  Index integer(char const* key, Index otherwise) const {
    return has(key) ? integer(key) : otherwise;
  }
  double real(char const* key, double otherwise) const {
    return has(key) ? real_in(object_, key) : otherwise;
  }
  bool flag(char const* key, bool otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_[key].is_boolean()) fail(fmt::format("'{}' must be true or false", key));
    return object_[key].get<bool>();
  }
  std::string text(char const* key, std::string const& otherwise) const {
    if (!has(key)) return otherwise;
    if (!object_[key].is_string()) fail(fmt::format("'{}' must be a text", key));
    return object_[key].get<std::string>();
  }

  void require_flag(char const* key, bool value) const {
    if (flag(key, value) != value)
      fail(fmt::format("'{}' = {} has no counterpart in Kyrtos", key, !value));
  }

  /// Rotary positions: newer files have an object of them, `rope_scaling` is from older ones.
  double rotary_base() const {
    for (char const* key : {"rope_parameters", "rope_scaling"}) {
      if (!has(key)) continue;
      auto const& rope = object_[key];
      if (!rope.is_object()) fail(fmt::format("'{}' must be an object", key));
      auto const type = rope.value("rope_type", rope.value("type", json("default")));
      if (type != "default")
        fail(
            fmt::format("'{}' asks for scaled rotary positions, which have no counterpart in "
                        "Kyrtos",
                        key));
      if (rope.contains("rope_theta")) return real_in(rope, "rope_theta");
    }
    return real("rope_theta", 10000);
  }

 private:
  double real_in(json const& object, char const* key) const {
    if (!object[key].is_number() || object[key].get<double>() <= 0)
      fail(fmt::format("'{}' must be a positive number", key));
    return object[key].get<double>();
  }

  std::string source_;
  json object_;
};

model::MlpActivation gpt2_activation(Settings const& s) {
  auto const name = s.text("activation_function", "gelu_new");
  if (name == "gelu_new" || name == "gelu_pytorch_tanh") return model::MlpActivation::gelu_tanh;
  if (name != "gelu") s.fail("'activation_function' must be \"gelu_new\" or \"gelu\"");
  return model::MlpActivation::gelu;
}

model::TransformerConfig gpt2(Settings const& s) {
  auto c = model::gpt2_config();
  c.vocabulary = s.integer("vocab_size");
  c.context = s.integer("n_positions");
  c.width = s.integer("n_embd");
  c.depth = s.integer("n_layer");
  c.heads = s.integer("n_head");
  c.mlp_width = s.integer("n_inner", 4 * c.width);
  c.activation = gpt2_activation(s);
  c.norm_epsilon = s.real("layer_norm_epsilon", 1e-5);
  c.tied = s.flag("tie_word_embeddings", true);
  s.require_flag("scale_attn_weights", true);
  s.require_flag("scale_attn_by_inverse_layer_idx", false);
  s.require_flag("add_cross_attention", false);
  return c;
}

model::TransformerConfig llama(Settings const& s) {
  auto c = model::llama_config();
  c.vocabulary = s.integer("vocab_size");
  c.context = s.integer("max_position_embeddings", 2048);
  c.width = s.integer("hidden_size");
  c.depth = s.integer("num_hidden_layers");
  c.heads = s.integer("num_attention_heads");
  c.kv_heads = s.integer("num_key_value_heads", c.heads);
  c.head_size = s.integer("head_dim", 0);
  c.mlp_width = s.integer("intermediate_size");
  c.norm_epsilon = s.real("rms_norm_eps", 1e-6);
  c.rotary_base = s.rotary_base();
  c.tied = s.flag("tie_word_embeddings", false);
  c.bias = s.flag("attention_bias", false);
  if (s.text("hidden_act", "silu") != "silu") s.fail("'hidden_act' must be \"silu\"");
  if (s.flag("mlp_bias", false) != c.bias)
    s.fail(
        "'attention_bias' and 'mlp_bias' differ; in Kyrtos all linear layers have biases or none");
  return c;
}

nlohmann::ordered_json gpt2(model::TransformerConfig const& c) {
  return {{"architectures", {"GPT2LMHeadModel"}},
          {"model_type", "gpt2"},
          {"vocab_size", c.vocabulary},
          {"n_positions", c.context},
          {"n_embd", c.width},
          {"n_layer", c.depth},
          {"n_head", c.heads},
          {"n_inner", c.mlp_width},
          {"activation_function", c.activation == model::MlpActivation::gelu ? "gelu" : "gelu_new"},
          {"layer_norm_epsilon", c.norm_epsilon},
          {"tie_word_embeddings", c.tied},
          {"bos_token_id", nullptr},
          {"eos_token_id", nullptr}};
}

nlohmann::ordered_json llama(model::TransformerConfig const& c) {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"model_type", "llama"},
          {"vocab_size", c.vocabulary},
          {"max_position_embeddings", c.context},
          {"hidden_size", c.width},
          {"num_hidden_layers", c.depth},
          {"num_attention_heads", c.heads},
          {"num_key_value_heads", c.kv_heads},
          {"head_dim", c.head_size},
          {"intermediate_size", c.mlp_width},
          {"hidden_act", "silu"},
          {"rms_norm_eps", c.norm_epsilon},
          {"rope_theta", c.rotary_base},
          {"attention_bias", c.bias},
          {"mlp_bias", c.bias},
          {"tie_word_embeddings", c.tied},
          {"bos_token_id", nullptr},
          {"eos_token_id", nullptr}};
}

}  // namespace

model::TransformerConfig parse_config(std::string const& text, std::string const& source) {
  Settings const settings(text, source);
  auto const type = settings.text("model_type", "");
  if (type != "gpt2" && type != "llama")
    settings.fail("'model_type' must be \"gpt2\" or \"llama\"");
  auto const config = type == "gpt2" ? gpt2(settings) : llama(settings);
  try {
    return config.resolved();
  } catch (ConfigError const& error) {
    settings.fail(error.what());
  }
}

std::string to_json(model::TransformerConfig const& config) {
  auto const c = config.resolved();
  auto json = family_of(c) == Family::gpt2 ? gpt2(c) : llama(c);
  json["kyrtos_version"] = version();  // by which `kyrtos export` knows its own files
  return json.dump(2) + "\n";
}

Family family_of(model::TransformerConfig const& c) {
  bool const is_gpt2 = c.positions == model::Positions::learned;
  auto const need = [&](bool condition, char const* setting) {
    if (!condition)
      throw ConfigError(fmt::format("a model of Hugging Face needs {}, to be a {}", setting,
                                    is_gpt2 ? "GPT-2" : "Llama"));
  };
  need(!c.continuous(), "tokens: model.input_features = 0");
  need(c.positions != model::Positions::none, "model.positions");
  need(c.causal, "model.causal = true");
  need(!c.qk_norm, "model.qk_norm = false");
  need(c.soft_cap == 0, "model.soft_cap = 0");
  need(!c.gated, "blocks without gates");
  if (is_gpt2) {
    need(c.norm == model::Norm::layer_norm, "model.norm = \"layer_norm\"");
    need(c.activation != model::MlpActivation::swiglu,
         "model.activation = \"gelu_tanh\" or \"gelu\"");
    need(c.bias, "model.bias = true");
    need(c.kv_heads == c.heads, "as many key and value heads as query heads");
    need(c.heads * c.head_size == c.width, "model.head_size = model.width/model.heads");
    return Family::gpt2;
  }
  need(c.norm == model::Norm::rms_norm, "model.norm = \"rms_norm\"");
  need(c.activation == model::MlpActivation::swiglu, "model.activation = \"swiglu\"");
  return Family::llama;
}

}  // namespace kyrtos::hugging_face
