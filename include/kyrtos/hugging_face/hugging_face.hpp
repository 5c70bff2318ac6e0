// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/io/safetensors.hpp>
#include <kyrtos/model/transformer_config.hpp>

#include <optional>
#include <span>
#include <string>
#include <vector>

/// \file
/// \brief Models as Hugging Face stores them: `config.json`, and the names and shapes of tensors.
///
/// A family is a table (src/hugging_face/families.cpp); docs/interchange.md lists what is taken and
/// what is refused. Rotary positions pair (j, j + R/2) there as here.

namespace kyrtos::hugging_face {

/// The model that a `config.json` describes. \param source names it in errors.
/// \throws FileError when it is no such file; ConfigError when it asks for what Kyrtos doesn't
/// have, or has a setting that Kyrtos doesn't know.
model::TransformerConfig parse_config(std::string const& json, std::string const& source);

/// The same from a file. \param if_missing what to do then, for the error.
/// \throws FileError saying what the file is where it is no such one.
model::TransformerConfig read_config(std::string const& path, std::string const& if_missing = "");

/// The `config.json` of a model, of the first family that it is one of. \throws ConfigError naming
/// the keys by which it is none, for the family that is nearest.
std::string to_json(model::TransformerConfig const& config);

/// A `*.safetensors.index.json`, which lists the files that a large model is cut into.
bool is_index(std::string const& path);

/// What lies in a folder as `save_pretrained` writes it.
struct Folder {
  std::string config;                  ///< config.json
  std::vector<std::string> weights;    ///< model.safetensors, or the files that its index names.
  std::vector<std::string> tokenizer;  ///< Files of its tokenizer, as many as there are.
};

/// \param model its folder, or an index in it. \throws FileError naming what is missing.
Folder find_files(std::string const& model);

/// A tensor of Hugging Face, and where it lies in θ: elements [offset, offset + size), row-major.
struct Tensor {
  std::string name;  ///< As `save_pretrained` of the model with its head writes it.
  std::vector<Index> shape;
  Index offset = 0;
  enum class Order {
    same,
    transposed,  ///< Ours is the transpose of its matrix.
    by_head      ///< Its rows are [heads, 3, head size] where ours are [3, heads, head size].
  } order = Order::same;
  Index heads = 0;  ///< by_head
};

/// All tensors of a model; together they are θ. \throws ConfigError as to_json() does.
std::vector<Tensor> tensors_of(model::TransformerConfig const& config,
                               ParameterLayout const& layout);

/// θ from one file, or the several that a large model is cut into. Names may lack the prefix
/// (such as `model.`). Masks and tables that follow from the configuration are passed
/// over. \throws FileError naming file and tensor when one is missing, is there twice, has another
/// shape or is unknown.
template <class Scalar>
std::vector<Scalar> read(std::vector<io::SafetensorsFile> const& files,
                         model::TransformerConfig const& config, ParameterLayout const& layout);

/// Writes θ. \param type nothing: the shortest that changes no bit: BF16, F16, F32 or F64.
/// \return what was taken.
template <class Scalar>
io::NumberType write(std::string const& path, model::TransformerConfig const& config,
                     ParameterLayout const& layout, std::span<Scalar const> theta,
                     std::optional<io::NumberType> type = {});

}  // namespace kyrtos::hugging_face
