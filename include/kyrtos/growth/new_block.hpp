// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/distributed_view.hpp>
#include <kyrtos/growth/growth_config.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/optim/optimizer.hpp>

namespace kyrtos::growth {

/// Sets the parameters of a block that joins, as `config.entry` says. `source`: the active block
/// that it copies (where stacked). Asynchronous.
///
/// With entry `projections`, or `zeros` and a seed scale of 0, or a closed gate, the function of
/// the model is the same to the last bit.
template <class Scalar, class Space>
void enter_block(Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
                 GrowthConfig const& config, Index block, Index source, std::uint64_t seed,
                 DistributedView<Scalar, Space> theta);

/// Sets the optimiser's vectors of a block that joins: zero, but for the second moment, which is
/// that of the same segments of block `source` if `config` says so. They lie on the ranks as θ
/// does. Asynchronous.
template <class Scalar, class Space>
void enter_moments(Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
                   GrowthConfig const& config, Index block, Index source,
                   DistributedView<Scalar, Space> theta,
                   optim::Optimizer<Scalar, Space> const& optimizer);

/// Opens a block's gates to `opening`, from 0 to 1. Asynchronous.
template <class Scalar, class Space>
void set_gate(Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
              Index block, double opening, DistributedView<Scalar, Space> theta);

}  // namespace kyrtos::growth
