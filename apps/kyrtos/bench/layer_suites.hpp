// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "operation.hpp"

namespace kyrtos::bench {

/// Every layer, in a model of that width and number of heads; the head for tokens also with a
/// large vocabulary, on one sequence.
std::vector<CaseMaker> layer_suite(SequenceShape shape, Index width, Index vocabulary, Index heads);

/// Causal attention with heads of 64 features, streamed and blocked, for each length on as many
/// tokens as the longest has.
std::vector<CaseMaker> attention_suite(Index heads, std::vector<Index> const& lengths);

}  // namespace kyrtos::bench
