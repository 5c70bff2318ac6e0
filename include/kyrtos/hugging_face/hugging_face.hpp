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
/// \brief GPT-2 and Llama as Hugging Face stores them: `config.json` and the names of tensors.
///
/// docs/checkpoint.md has the tables. GPT-2 keeps matrices as [inputs, outputs], the transpose of
/// ours; Llama has queries, keys and values in three matrices, and pairs (j, j + D/2) for rotary
/// positions as we do, so that nothing is permuted.

namespace kyrtos::hugging_face {

/// The model that a `config.json` describes. \param source names it in errors.
/// \throws FileError when it is no such file; ConfigError when it asks for what Kyrtos doesn't
/// have, such as scaled rotary positions.
model::TransformerConfig parse_config(std::string const& json, std::string const& source);

/// The `config.json` of a model. \throws ConfigError naming the key by which it is neither.
std::string to_json(model::TransformerConfig const& config);

/// A tensor of Hugging Face, and where it lies in θ: elements [offset, offset + size), row-major;
/// or, if transposed, the transpose of its matrix.
struct Tensor {
  std::string name;  ///< As `save_pretrained` of the model with its head writes it.
  std::vector<Index> shape;
  Index offset = 0;
  bool transposed = false;
};

/// All tensors of a model; together they are θ. \throws ConfigError as to_json() does.
std::vector<Tensor> tensors_of(model::TransformerConfig const& config,
                               ParameterLayout const& layout);

/// θ from one file, or the several that a large model is cut into. Names may lack the prefix
/// (`transformer.` or `model.`). Masks and tables that follow from the configuration are passed
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
