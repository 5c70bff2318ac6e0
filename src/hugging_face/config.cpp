// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>
#include <kyrtos/core/version.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>

#include "family.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <iterator>
#include <sstream>

namespace kyrtos::hugging_face {

namespace {

/// Settings by which files say who made them, how they were trained, and what a tokenizer or a
/// sampler does: nothing that the model computes.
std::set<std::string> harmless_settings() {
  std::istringstream words(R"(
    architectures model_type is_llama_config _name_or_path auto_map
    transformers_version kyrtos_version transformers.js_config
    initializer_range attention_dropout hidden_dropout classifier_dropout resid_pdrop embd_pdrop
    attn_pdrop gradient_checkpointing
    torch_dtype dtype use_cache n_ctx pretraining_tp chunk_size_feed_forward pruned_heads
    _attn_implementation_autoset reorder_and_upcast_attn rope_interleaved
    tokenizer_class bos_token_id eos_token_id pad_token_id sep_token_id unk_token_id
    decoder_start_token_id prefix
    is_decoder is_encoder_decoder cross_attention_hidden_size
    output_attentions output_hidden_states return_dict
    summary_type summary_use_proj summary_activation summary_first_dropout summary_proj_to_labels
    task_specific_params finetuning_task problem_type id2label label2id
    max_length min_length do_sample temperature top_k top_p)");
  return {std::istream_iterator<std::string>(words), {}};
}

Config read(Family const& family, Settings const& settings) {
  auto known = harmless_settings();
  auto config = family.base;
  for (auto const& setting : family.settings) {
    known.insert(setting.keys.begin(), setting.keys.end());
    setting.read(settings, config);
  }
  settings.require_known(known, family.name);
  try {
    return config.resolved();
  } catch (ConfigError const& error) {
    settings.fail(error.what());
  }
}

std::string write(Family const& family, Config const& config) {
  Json json{{"architectures", Json::array({family.architecture})}, {"model_type", family.type}};
  for (auto const& setting : family.settings) setting.write(config, json);
  json["bos_token_id"] = nullptr;
  json["eos_token_id"] = nullptr;
  json["kyrtos_version"] = version();  // by which `kyrtos export` knows its own files
  return json.dump(2) + "\n";
}

template <class Enum>
std::string word(Enum value, std::vector<char const*> const& words) {
  return fmt::format("\"{}\"", words.at(static_cast<std::size_t>(value)));
}

/// What must agree for two models to be the same function of as many parameters, as in TOML.
std::vector<std::pair<std::string, std::string>> described(Config const& c) {
  auto const text = [](auto value) { return fmt::format("{}", value); };
  bool const is_rotary = c.positions == model::Positions::rotary;
  auto const scaling = is_rotary ? c.rotary_scaling : layers::RotaryScaling{};
  return {{"input_features", text(c.input_features)},
          {"positions", word(c.positions, {"learned", "rotary", "none"})},
          {"causal", text(c.causal)},
          {"attention_window", text(c.attention_window)},
          {"soft_cap", text(c.soft_cap)},
          {"gated", text(c.gated)},
          {"residual_scale", text(c.residual_scale)},
          {"parallel_residual", text(c.parallel_residual)},
          {"norm_position", word(c.norm_position, {"pre", "post", "reordered", "none"})},
          {"norm", word(c.norm, {"layer_norm", "rms_norm"})},
          {"activation", word(c.activation, {"gelu", "gelu_tanh", "swiglu"})},
          {"qk_norm", text(c.qk_norm)},
          {"qk_norm_over",
           c.qk_norm ? word(c.qk_norm_over, {"each_head", "all_heads"}) : std::string()},
          {"bias", text(c.bias)},
          {"attention_bias", word(c.attention_bias, {"as_others", "none", "qkv", "all"})},
          {"kv_heads", text(c.kv_heads)},
          {"head_size", text(c.head_size)},
          {"rotary_features", text(is_rotary ? c.rotary_features : 0)},
          {"rotary_base", text(is_rotary ? c.rotary_base : 0)},
          {"rotary_scaling", word(scaling.kind, {"none", "linear", "llama3", "yarn"})},
          {"rotary_factor", text(scaling.factor)},
          {"rotary_context", text(scaling.context)},
          {"rotary_slow", text(scaling.slow)},
          {"rotary_fast", text(scaling.fast)},
          {"rotary_amplitude", text(scaling.amplitude)},
          {"vocabulary", text(c.vocabulary)},
          {"context", text(c.context)},
          {"depth", text(c.depth)},
          {"width", text(c.width)},
          {"heads", text(c.heads)},
          {"mlp_width", text(c.mlp_width)},
          {"norm_epsilon", text(c.norm_epsilon)},
          {"tied", text(c.tied)}};
}

/// The settings in which a model differs from what its config.json of that family says.
std::vector<std::string> differences(Family const& family, Config const& config) {
  Config said;
  try {
    said = read(family, Settings(write(family, config), family.type));
  } catch (ConfigError const&) {
    said = family.base;
  }
  std::vector<std::string> found;
  auto const here = described(config), there = described(said);
  for (std::size_t i = 0; i < here.size(); ++i)
    if (here[i].second != there[i].second)
      found.push_back(fmt::format("model.{} = {}", there[i].first, there[i].second));
  return found;
}

}  // namespace

model::TransformerConfig parse_config(std::string const& text, std::string const& source) {
  Settings const settings(text, source);
  auto const type = settings.text("model_type", "");
  std::vector<std::string> types;
  for (auto const& family : families()) {
    if (family.type == type) return read(family, settings);
    types.push_back('"' + family.type + '"');
  }
  settings.fail(fmt::format("'model_type' must be one of {}, not \"{}\"", fmt::join(types, ", "),
                            shown(type)));
}

std::string to_json(model::TransformerConfig const& config) {
  auto const c = config.resolved();
  return write(family_of(c), c);
}

Family const& family_of(Config const& config) {
  Family const* nearest = nullptr;
  std::vector<std::string> least;
  for (auto const& family : families()) {
    auto const found = differences(family, config);
    if (found.empty()) return family;
    if (nearest == nullptr || found.size() < least.size()) {
      nearest = &family;
      least = found;
    }
  }
  throw ConfigError(fmt::format("a model of Hugging Face needs {}, to be {}",
                                fmt::join(least, " and "), nearest->name));
}

}  // namespace kyrtos::hugging_face
