// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

namespace kyrtos::growth {

/// Architecture warm-up (arXiv 2606.16768): training starts with few blocks, the rest exactly the
/// identity and free of cost, and activates more of them on the way.
struct GrowthConfig {
  /// Blocks that take part from the start; 0: all, or half of them where they grow.
  Index initial_depth = 0;

  /// When a group of blocks joins.
  enum class When {
    never,
    steps,   ///< At step `start` and every `every` steps from there.
    warmup,  ///< The paper's: at the end of the learning rate's warm-up, then every `every` steps.
    decay,   ///< As the learning rate decays: group k of n at k/(n + 1) of the way to the floor.
    curvature,  ///< After `every` steps with λη below `share` of the threshold; a surge starts
                ///< over.
  } when = When::never;
  Index groups = 4;    ///< From the initial to the full depth.
  Index start = 500;   ///< steps
  Index every = 500;   ///< steps, warmup, curvature
  double share = 0.5;  ///< curvature

  /// Which blocks join.
  enum class Where {
    append,      ///< The next ones towards the output.
    interleave,  ///< The initial ones stand evenly; the gaps fill from the input on.
    spread,      ///< The same, each new one as far as possible from those that take part.
    stack,       ///< As append, starting from a copy of the blocks below.
  } where = Where::append;

  /// What a block is when it joins.
  enum class Entry {
    zeros,        ///< The paper's: matrices zero but for a seed, norms one.
    projections,  ///< Ordinary, but for output projections of zero.
    gate,         ///< Ordinary, behind a gate that opens from 0 to 1 over `ramp_steps`.
  } entry = Entry::zeros;
  /// zeros: standard deviation of the matrices as a share of the ordinary one. With 0 the block is
  /// a stationary point: its gradient is zero, and it stays the identity for ever.
  double seed_scale = 0.1;
  Index ramp_steps = 0;  ///< The learning rate of new blocks rises to that of the rest in so many.

  /// The second moment that new blocks start from. Zero makes Adam's first steps as long as the
  /// learning rate whatever the gradient, and 1/ε of the preconditioned Hessian's new entries.
  enum class SecondMoment { neighbours, zero } second_moment = SecondMoment::neighbours;
};

}  // namespace kyrtos::growth
