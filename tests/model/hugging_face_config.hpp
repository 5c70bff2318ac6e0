// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>

#include "hugging_face_models.hpp"
#include "support/temporary_directory.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <set>

// A config.json of Hugging Face says here what it says there.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
namespace hf = hugging_face;

TEST_CASE("a config.json says what the model is", "[hugging_face_config]") {
  std::set<std::string> types;
  for (auto const& config : models_of_all_families()) {
    auto const text = hf::to_json(config);
    INFO(text);
    auto const back = hf::parse_config(text, "it");
    CHECK(back.vocabulary == config.vocabulary);
    CHECK(back.context == config.context);
    CHECK(back.depth == config.depth);
    CHECK(back.width == config.width);
    CHECK(back.heads == config.heads);
    CHECK(back.kv_heads == config.kv_heads);
    CHECK(back.head_size == config.head_size);
    CHECK(back.mlp_width == config.mlp_width);
    CHECK(back.norm == config.norm);
    CHECK(back.norm_position == config.norm_position);
    CHECK(back.norm_epsilon == config.norm_epsilon);
    CHECK(back.activation == config.activation);
    CHECK(back.positions == config.positions);
    CHECK(back.rotary_base == config.rotary_base);
    CHECK(back.rotary_features == config.rotary_features);
    CHECK(back.rotary_scaling == config.rotary_scaling);
    CHECK(back.qk_norm == config.qk_norm);
    CHECK(back.qk_norm_over == config.qk_norm_over);
    CHECK(back.parallel_residual == config.parallel_residual);
    CHECK(back.bias == config.bias);
    CHECK(back.attention_bias == config.attention_bias);
    CHECK(back.attention_window == config.attention_window);
    CHECK(back.tied == config.tied);
    types.insert(nlohmann::json::parse(text).at("model_type").get<std::string>());
  }
  CHECK(types ==
        std::set<std::string>{"gpt2", "llama", "mistral", "qwen2", "qwen3", "olmo2", "gpt_neox"});
}

TEST_CASE("a share of rotated features survives its way through a number",
          "[hugging_face_config]") {
  auto config = gpt_neox();
  config.heads = 1;
  for (Index size = 4; size < 100; ++size)
    for (Index features = 2; features <= size; features += 2) {
      config.width = config.head_size = size;
      config.kv_heads = 1;
      config.rotary_features = features;
      REQUIRE(hf::parse_config(hf::to_json(config), "it").rotary_features == features);
    }
}

TEST_CASE("a config.json that asks for something else", "[hugging_face_config]") {
  auto const words = [](std::string const& more, char const* type = "llama") {
    auto const text = std::string(R"({"model_type":")") + type +
                      R"(","vocab_size":8,"hidden_size":8,"num_hidden_layers":1,)"
                      R"("num_attention_heads":2,"intermediate_size":8)" +
                      more + "}";
    return failure<Error>([&] { hf::parse_config(text, "c.json"); });
  };
  CHECK(words("").empty());
  CHECK(words(R"(,"rope_parameters":{"rope_type":"default","rope_theta":5e5})").empty());
  CHECK_THAT(words("", "qwen"), ContainsSubstring("c.json: 'model_type' must be"));
  CHECK(words(R"(,"rope_scaling":{"type":"dynamic","factor":4.0})").empty());
  CHECK(words(R"(,"attention_bias":true)").empty());
  CHECK(words(R"(,"some_new_thing":null)").empty());
  CHECK_THAT(words(R"(,"some_new_thing":1)"),
             ContainsSubstring("c.json: 'some_new_thing' is no setting of a Llama"));
  CHECK_THAT(words(R"(,"rope_scaling":{"type":"linear","some_thing":4.0})"),
             ContainsSubstring("c.json: 'rope_scaling.some_thing' is no setting of rotary"));
  CHECK_THAT(words(R"(,"rope_scaling":{"rope_type":"longrope"})"),
             ContainsSubstring("'rope_scaling.rope_type' = \"longrope\" needs other rotary"));
  CHECK_THAT(words(R"(,"partial_rotary_factor":0.5)"), ContainsSubstring("a share of 0.5"));
  CHECK_THAT(words("", "gpt2"), ContainsSubstring("has no 'n_positions'"));
  CHECK_THAT(words(R"(,"rope_scaling":{"rope_type":"llama3"})"),
             ContainsSubstring("has no 'rope_scaling.low_freq_factor'"));
  CHECK_THAT(words(R"(,"num_key_value_heads":3)"), ContainsSubstring("c.json: model.kv_heads = 3"));
  CHECK_THAT(words(R"(,"num_key_value_heads":-1)"), ContainsSubstring("must be an integer from 1"));
  CHECK_THAT(words(R"(,"rms_norm_eps":"x")"), ContainsSubstring("must be a positive number"));
  CHECK_THAT(words(R"(,"hidden_act":"relu")"), ContainsSubstring("'hidden_act'"));
  CHECK_THAT(words(R"(,"hidden_size":2147483646,"head_dim":2147483646,)"
                   R"("num_attention_heads":2147483646)"),
             ContainsSubstring("more parameters than any machine can hold"));
  for (auto const* text : {"", "[]", "{\"a\":", "\xff"})
    CHECK_THAT(failure<FileError>([&] { hf::parse_config(text, "c.json"); }),
               ContainsSubstring("c.json: must be a JSON object"));
  auto const deep =
      fmt::format("{{\"a\":{}{}}}", std::string(100000, '['), std::string(100000, ']'));
  CHECK_THAT(failure<FileError>([&] { hf::parse_config(deep, "c.json"); }),
             ContainsSubstring("c.json: must be a JSON object"));
}

/// A model of two layers and 64 tokens of context.
inline model::TransformerConfig with_windows(char const* type, std::string const& more) {
  return hf::parse_config(
      fmt::format(R"({{"model_type":"{}","vocab_size":8,"hidden_size":8,"num_hidden_layers":2,)"
                  R"("num_attention_heads":2,"num_key_value_heads":1,"head_dim":4,)"
                  R"("max_position_embeddings":64,"intermediate_size":8{}}})",
                  type, more),
      "c.json");
}

TEST_CASE("windows of a Mistral", "[hugging_face_config]") {
  auto const window = [](std::string const& more) {
    return with_windows("mistral", more).attention_window;
  };
  CHECK(window("") == 4096);
  CHECK(window(R"(,"sliding_window":null)") == 0);
  CHECK(window(R"(,"sliding_window":64)") == 64);
  CHECK(window(R"(,"sliding_window":5)") == 5);
  std::string const both = R"("layer_types":["full_attention","sliding_attention"])";
  std::string const sliding = R"("layer_types":["sliding_attention","sliding_attention"])";
  CHECK(window(R"(,"sliding_window":5,)" + sliding) == 5);
  CHECK(window(R"(,"sliding_window":64,)" + both) == 0);
  auto const words = [&](std::string const& more) {
    return failure<ConfigError>([&] { window(more); });
  };
  CHECK_THAT(words(R"(,"sliding_window":5,)" + both),
             ContainsSubstring("c.json: 'layer_types' gives 1 of 2 layers a window of 5 tokens"));
  CHECK_THAT(words(R"(,"sliding_window":5,"layer_types":["full_attention","full_attention"])"),
             ContainsSubstring("'layer_types' gives 0 of 2 layers"));
  CHECK_THAT(words(R"(,"sliding_window":null,)" + sliding),
             ContainsSubstring("there is no window: set 'sliding_window'"));
  CHECK_THAT(words(R"(,"layer_types":["sliding_attention"])"),
             ContainsSubstring("'layer_types' has 1 entries for 2 layers"));
  CHECK_THAT(words(R"(,"layer_types":["full_attention","linear_attention"])"),
             ContainsSubstring("'layer_types'"));
  CHECK_THAT(words(R"(,"sliding_window":0)"),
             ContainsSubstring("'sliding_window' must be an integer from 1"));
}

TEST_CASE("windows of a Qwen", "[hugging_face_config]") {
  auto const window = [](std::string const& more) {
    auto const qwen2 = with_windows("qwen2", more), qwen3 = with_windows("qwen3", more);
    CHECK(qwen2.attention_window == qwen3.attention_window);
    return qwen2.attention_window;
  };
  std::string const on = R"(,"use_sliding_window":true,"sliding_window":5)";
  CHECK(window("") == 0);
  CHECK(window(R"(,"sliding_window":5,"max_window_layers":0)") == 0);
  CHECK(window(on) == 0);  // of 28 layers none has it
  CHECK(window(on + R"(,"max_window_layers":2)") == 0);
  CHECK(window(on + R"(,"max_window_layers":0)") == 5);
  CHECK(window(on + R"(,"layer_types":["sliding_attention","sliding_attention"])") == 5);
  CHECK(window(R"(,"use_sliding_window":true,"max_window_layers":0)") == 4096);
  CHECK(window(R"(,"use_sliding_window":true,"max_window_layers":0,"sliding_window":null)") == 0);
  CHECK(window(R"(,"use_sliding_window":true,"max_window_layers":1,"sliding_window":64)") == 0);
  auto const words = [&](std::string const& more) {
    return failure<ConfigError>([&] { window(more); });
  };
  CHECK_THAT(words(on + R"(,"max_window_layers":1)"),
             ContainsSubstring("'max_window_layers' gives 1 of 2 layers a window of 5 tokens"));
  CHECK_THAT(words(on + R"(,"max_window_layers":-1)"),
             ContainsSubstring("'max_window_layers' must be an integer from 0"));
  CHECK_THAT(words(on + R"(,"layer_types":["full_attention","sliding_attention"])"),
             ContainsSubstring("'layer_types' gives 1 of 2 layers"));
  CHECK_THAT(words(R"(,"sliding_window":5,"layer_types":["sliding_attention","full_attention"])"),
             ContainsSubstring("there is no window: set 'use_sliding_window'"));
}

TEST_CASE("models that Hugging Face doesn't have", "[hugging_face_config]") {
  auto const words = [](model::TransformerConfig const& config) {
    return failure<ConfigError>([&] { hf::to_json(config); });
  };
  auto config = small(model::llama_config());
  config.soft_cap = 30;
  CHECK_THAT(words(config), ContainsSubstring("needs model.soft_cap = 0, to be a Llama"));
  config = small(model::llama_config());
  config.norm_position = model::NormPosition::reordered;
  config.residual_scale = 0.5;
  CHECK_THAT(words(config),
             ContainsSubstring("needs model.residual_scale = 1 and model.norm_position"));
  config = olmo2();
  config.attention_window = 3;
  CHECK_THAT(words(config), ContainsSubstring("needs model.attention_window = 0, to be an OLMo 2"));
  config = small(model::gpt2_config());
  config.bias = false;
  CHECK_THAT(words(config), ContainsSubstring("needs model.bias = true, to be a GPT-2"));
}

}  // namespace kyrtos::testing
