// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer_config.hpp>

#include "settings.hpp"

#include <string>
#include <vector>

namespace kyrtos::hugging_face {

/// A layer of ours, without its block and without `.weight`, and what it is called there: one
/// matrix, or several one below the other.
struct LayerNames {
  std::string here;
  std::vector<std::string> there;
};

/// All that is particular to one family of models. There is no code for one.
struct Family {
  std::string type;          ///< `model_type` of its config.json
  std::string architecture;  ///< Of the model with its head.
  std::string name;          ///< With an article, for messages.
  std::string prefix;        ///< Of all tensors but the head's.
  std::string blocks;        ///< Between the prefix and the number of a block.
  /// How matrices of blocks lie there.
  enum class Matrices {
    as_here,
    transposed,  ///< [inputs, outputs]
    by_head      ///< as here, but rows of queries, keys and values are [heads, 3, head size]
  } matrices = Matrices::as_here;
  Config base;  ///< What all models of the family have.
  std::vector<Setting> settings;
  std::vector<LayerNames> layers;

  std::vector<std::string> const& names(std::string const& here) const;
};

std::vector<Family> const& families();

/// What a model with these settings, resolved, is in Hugging Face. \throws ConfigError naming the
/// setting that keeps it from being one of them.
Family const& family_of(Config const& config);

}  // namespace kyrtos::hugging_face
