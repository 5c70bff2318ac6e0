// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>
#include <kyrtos/model/transformer_config.hpp>

#include "operation.hpp"

namespace kyrtos::bench {

/// Writes and reads a checkpoint of the model, θ and the two vectors of AdamW, in the directory.
/// What is read has just been written: it comes from the system's cache where there is room.
/// Beside it the same values as plain bytes, what the file system gives to any program.
CaseMaker checkpoint_case(model::TransformerConfig const& config, std::string const& directory);

/// Steps of training with nothing else to do, and as many while a checkpoint is written behind
/// them; how many is what the first such write lasted.
CaseMaker asynchronous_case(model::TransformerConfig const& config, SequenceShape batch,
                            std::string const& directory);

/// The sum of a gradient of the model over the ranks.
CaseMaker all_reduce_case(model::TransformerConfig const& config);

}  // namespace kyrtos::bench
