// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/distributed_view.hpp>
#include <kyrtos/model/transformer.hpp>

#include <vector>

namespace kyrtos::train {

/// QK-Clip (Kimi K2, arXiv 2507.20534, section 2.1): where a head's largest attention score s
/// passed the bound, its query and key weights shrink, so that all its scores do by γ = bound/s.
///
/// The key head takes √γ and its query head the rest. Several query heads that share a key head
/// have a γ each: the key head takes √(the least one), and every query head what is left of its
/// own, so that heads within the bound keep their scores. Moments of an optimiser stay as they are.
///
/// \param largest scores [depth, heads], as TransformerWorkspace::largest_scores() gives them: the
///        largest over all ranks. With a soft cap they are those after the cap, which shrink by
///        less.
/// \return how many heads passed the bound. Asynchronous.
template <class Scalar, class Space>
Index clip_attention_scores(Context<Space> const& context,
                            model::Transformer<Scalar, Space> const& model,
                            std::vector<double> const& largest, double bound,
                            DistributedView<Scalar, Space> theta);

}  // namespace kyrtos::train
