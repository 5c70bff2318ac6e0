// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>

#include "io/safetensors_files.hpp"
#include "model/model_run.hpp"
#include "reference/hugging_face.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>
#include <set>

// A model of Hugging Face computes here what it computes there, and comes back bit by bit.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
using io::NumberType;
using io::SafetensorsFile;
using Scalar = KYRTOS_TEST_SCALAR;
namespace hf = hugging_face;

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

/// A tensor as bytes in a file.
struct Bytes {
  std::string type;
  std::vector<Index> shape;
  std::string data;
};

/// Writes a file of tensors by hand, in the order of their names.
inline std::string write_tensors(TemporaryDirectory const& directory, std::string const& name,
                                 std::map<std::string, Bytes> const& tensors) {
  std::string header, data;
  for (auto const& [tensor, bytes] : tensors) {
    auto const begin = data.size();
    data += bytes.data;
    header += fmt::format(R"({}"{}":{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})",
                          header.empty() ? "{" : ",", tensor, bytes.type,
                          fmt::join(bytes.shape, ","), begin, data.size());
  }
  return directory.write(name, container(header + "}", data));
}

/// All tensors of a model with random values that a file of F32 holds.
inline std::map<std::string, Bytes> random_tensors(model::TransformerConfig const& config) {
  auto const layout = model::Transformer<Scalar, Space>(config).layout();
  std::map<std::string, Bytes> tensors;
  std::uint64_t seed = 5;
  for (auto const& tensor : hf::tensors_of(config, layout)) {
    auto values =
        random_numbers<float>(static_cast<std::size_t>(count_elements(tensor.shape)), ++seed, 0.4);
    for (double& v : values) v += tensor.name.find("norm") != std::string::npos ? 1 : 0;
    tensors[tensor.name] = {"F32", tensor.shape,
                            raw(std::vector<float>(values.begin(), values.end()))};
  }
  return tensors;
}

inline std::vector<Scalar> imported(std::vector<std::string> const& paths,
                                    model::TransformerConfig const& config) {
  return hf::read<Scalar>({paths.begin(), paths.end()}, config,
                          model::Transformer<Scalar, Space>(config).layout());
}

/// Whether the logits are those of the definition.
inline void check_logits(model::TransformerConfig const& config) {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const tensors = random_tensors(config);
  auto const theta = imported({write_tensors(directory, "it.safetensors", tensors)}, config);

  reference::HuggingFace reference{config, {}};
  for (auto const& [name, bytes] : tensors) {
    std::vector<float> values(bytes.data.size() / sizeof(float));
    std::memcpy(values.data(), bytes.data.data(), bytes.data.size());
    reference.tensors[name].assign(values.begin(), values.end());
  }
  ModelRun<Scalar> const run(config, {1, 7});
  auto const& tokens = run.reference.tokens;
  Numbers expected;
  auto const type = nlohmann::json::parse(hf::to_json(config)).at("model_type").get<std::string>();
  for (auto const& row : type == "gpt2"       ? reference.gpt2(tokens)
                         : type == "gpt_neox" ? reference.gpt_neox(tokens)
                                              : reference.llama(tokens))
    expected.insert(expected.end(), row.begin(), row.end());

  auto workspace = run.workspace({});
  Vector<Scalar, Space> const z("test::logits", expected.size());
  run.model.outputs(workspace, on_device<Scalar>(theta), run.batch, 0,
                    as_matrix(z, 0, 7, config.vocabulary));
  CHECK(near(on_host(z), expected, rounding<Scalar>()));
}

TEST_CASE("models of Hugging Face", "[hugging_face]") {
  for (auto const& config : models_of_all_families()) {
    INFO(hf::to_json(config));
    check_logits(config);
  }
}

// ---- Bits --------------------------------------------------------------------------------------

TEST_CASE("what was imported is exported byte by byte", "[hugging_face]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  std::vector<std::pair<NumberType, std::size_t>> types{
      {NumberType::bfloat16, 2}, {NumberType::float16, 2}, {NumberType::float32, 4}};
  if (sizeof(Scalar) == 8) types.emplace_back(NumberType::float64, 8);
  for (auto const& config : models_of_all_families()) {
    auto const layout = model::Transformer<Scalar, Space>(config).layout();
    for (auto const& [type, width] : types) {
      INFO(io::name_of(type));
      std::map<std::string, Bytes> tensors;
      std::uint64_t i = 0;
      for (auto const& tensor : hf::tensors_of(config, layout)) {
        Bytes bytes{io::name_of(type), tensor.shape, ""};
        for (Index n = 0; n < count_elements(tensor.shape); ++n) {
          // Any finite bits: a signalling NaN may not survive its way through a register.
          auto const bits = Philox{3, 1}.bits(i++) & 0xBF7FBF7FBF7FBF7Fu;
          bytes.data.append(reinterpret_cast<char const*>(&bits), width);
        }
        tensors[tensor.name] = bytes;
      }
      auto const theta = imported({write_tensors(directory, "in.safetensors", tensors)}, config);
      auto const path = directory / "out.safetensors";
      CHECK(hf::write<Scalar>(path, config, layout, theta) == type);
      SafetensorsFile const out(path);
      auto const bytes = directory.read("out.safetensors");
      std::uint64_t header = 0;
      std::memcpy(&header, bytes.data(), 8);
      CHECK(out.tensors().size() == tensors.size());
      for (auto const& tensor : out.tensors()) {
        auto const& written = tensors.at(tensor.name);
        CHECK(tensor.type == written.type);
        CHECK(tensor.shape == written.shape);
        CHECK(bytes.substr(8 + header + tensor.begin, tensor.end - tensor.begin) == written.data);
      }
    }
  }
}

TEST_CASE("rounding is only on demand", "[hugging_face]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const config = small_gpt2();
  auto const theta =
      imported({write_tensors(directory, "in.safetensors", random_tensors(config))}, config);
  auto const layout = model::Transformer<Scalar, Space>(config).layout();
  auto const path = directory / "out.safetensors";
  hf::write<Scalar>(path, config, layout, theta, NumberType::bfloat16);
  auto const rounded = imported({path}, config);
  double largest = 0;
  for (std::size_t i = 0; i < theta.size(); ++i)
    largest = std::max(largest, static_cast<double>(std::abs(rounded[i] / theta[i] - 1)));
  CHECK(largest > 0x1p-10);
  CHECK(largest <= 0x1p-8);
}

// ---- Names -------------------------------------------------------------------------------------

TEST_CASE("names without prefix, models in pieces, and what follows anyway", "[hugging_face]") {
  TemporaryDirectory const directory(Communicator(MPI_COMM_WORLD));
  auto const config = small_gpt2();
  auto tensors = random_tensors(config);
  auto const theta = imported({write_tensors(directory, "whole.safetensors", tensors)}, config);
  std::map<std::string, Bytes> first, second;
  for (auto const& [name, bytes] : tensors)
    (first.size() < 9 ? first : second)[name.substr(name.find('.') + 1)] = bytes;
  second["h.0.attn.bias"] = {"U8", {1, 1, 2, 2}, "\1\0\1\1"};
  second["lm_head.weight"] = tensors.at("transformer.wte.weight");
  second["h.0.attn.bias"].data.resize(4);
  auto const one = write_tensors(directory, "one.safetensors", first),
             two = write_tensors(directory, "two.safetensors", second);
  CHECK(imported({one, two}, config) == theta);

  auto const words = [&](std::vector<std::string> const& paths) {
    return failure<FileError>([&] { imported(paths, config); });
  };
  CHECK_THAT(words({one}), ContainsSubstring("one.safetensors: has no tensor 'transformer."));
  CHECK_THAT(words({one, one, two}), ContainsSubstring("is also '"));
  auto changed = second;
  changed["lm_head.weight"].data[0] ^= 1;
  CHECK_THAT(words({one, write_tensors(directory, "bad.safetensors", changed)}),
             ContainsSubstring("bad.safetensors: tensor 'lm_head.weight' differs from the token"));
  changed = second;
  changed["h.2.ln_1.weight"] = {"F32", {}, "abcd"};
  CHECK_THAT(words({one, write_tensors(directory, "bad.safetensors", changed)}),
             ContainsSubstring("tensor 'h.2.ln_1.weight' is none that the model has"));
  changed = second;
  changed["ln_f.bias"].shape = {3, 4};
  CHECK_THAT(words({one, write_tensors(directory, "bad.safetensors", changed)}),
             ContainsSubstring("'ln_f.bias' has the shape [3, 4], but the model needs [12]"));
  changed["ln_f.bias"] = {"I32", {12}, std::string(48, 'x')};
  CHECK_THAT(words({one, write_tensors(directory, "bad.safetensors", changed)}),
             ContainsSubstring("'ln_f.bias' holds I32"));
}

// ---- config.json -------------------------------------------------------------------------------

TEST_CASE("a config.json says what the model is", "[hugging_face]") {
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

TEST_CASE("a share of rotated features survives its way through a number", "[hugging_face]") {
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

TEST_CASE("a config.json that asks for something else", "[hugging_face]") {
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

TEST_CASE("windows of a Mistral", "[hugging_face]") {
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

TEST_CASE("windows of a Qwen", "[hugging_face]") {
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

TEST_CASE("models that Hugging Face doesn't have", "[hugging_face]") {
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
