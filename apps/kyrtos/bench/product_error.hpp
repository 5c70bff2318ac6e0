// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer_config.hpp>

#include "operation.hpp"

namespace kyrtos::bench {

/// ‖H₃₂u − H₆₄u‖/‖H₆₄u‖ of one Hessian-vector product in float32 and in float64, for the same
/// float32 θ and random u, on a sequence of at most 128 tokens.
double product_error(Context<Space> const& context, model::TransformerConfig const& config,
                     Index length);

}  // namespace kyrtos::bench
