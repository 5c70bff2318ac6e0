// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/hugging_face/hugging_face.hpp>

#include "hugging_face_models.hpp"
#include "io/safetensors_files.hpp"
#include "model/model_run.hpp"
#include "reference/hugging_face.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

// A model of Hugging Face computes here what it computes there, and comes back bit by bit.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;
using io::NumberType;
using io::SafetensorsFile;
using Scalar = KYRTOS_TEST_SCALAR;
namespace hf = hugging_face;

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

}  // namespace kyrtos::testing
