// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer_config.hpp>

namespace kyrtos::hugging_face {

enum class Family { gpt2, llama };

/// What a model with these settings, resolved, is in Hugging Face. \throws ConfigError naming the
/// setting that keeps it from being one of them.
Family family_of(model::TransformerConfig const& config);

}  // namespace kyrtos::hugging_face
