// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>

#include "arguments.hpp"

/// \file
/// \brief The passes of attention as batched products over blocks of queries, one source file each.
///
/// Heads are packed one after the other. Of a group of (sequence, key head) pairs, a block of
/// queries is multiplied with the keys that it sees, a kernel makes probabilities of the scores,
/// and these are the factors of the next products:
///
/// | pass             | products                                                                |
/// |------------------|-------------------------------------------------------------------------|
/// | forward          | S = QKᵀ, O = PV                                                         |
/// | tangent forward  | S, Ṡ = [Q̇ Q][K K̇]ᵀ, Ȯ = (P∘Ż)V + PV̇ - μO                              |
/// | backward         | S, dP = dO Vᵀ, dQ = dS K, dK += dSᵀQ, dV += Pᵀ dO                       |
/// | tangent backward | S, Ṡ, dP, dṖ = [dȮ dO][V V̇]ᵀ, dQ̇ = dṠ K + dS K̇,                        |
/// |                  | dK̇ += [dS; dṠ]ᵀ[Q̇; Q], dV̇ += [P; Ṗ]ᵀ[dȮ; dO]                          |
///
/// Rows of a factor and of its tangent lie side by side, so that one wider product makes a tangent;
/// S and dP are one batched product, and what dK and dV get. dK and dV grow from block to block, in
/// their order.
///
/// Every pass computes S again, of the same blocks (Division is the same for all passes) and of the
/// same factors, rounded alike: e^(S - L) of rounded factors would not sum to one against the L of
/// others, as a rounding of S by 2⁻⁸ of 100 is a factor of e^0.4. All else that is rounded (P, dS)
/// is so after it was computed from S and L in full precision. So the log-sum-exp of these passes
/// fits that of the streamed ones where factors are not rounded, and only there.

namespace kyrtos::layers::attention {

/// How a sequence and the (sequence, key head) pairs are divided; working_bytes bounds what all
/// passes hold, but for one pair with blocks of `fewest_tokens` queries.
struct Division {
  static constexpr int fewest_tokens = 16;
  int tokens = 0;   ///< Queries of a block.
  int entries = 0;  ///< Pairs of a group.
};

/// Bytes of the context's scratch that the passes take, with `tangents` those of products too.
template <class Scalar, class Space>
Index blocked_bytes(Context<Space> const& context, Geometry<Scalar> const& g, Index working_bytes,
                    bool tangents);

template <class Scalar, class Space>
void blocked_forward(Context<Space> const& context, ForwardArguments<Scalar> const& in,
                     Index working_bytes);

template <class Scalar, class Space>
void blocked_tangent_forward(Context<Space> const& context,
                             TangentForwardArguments<Scalar> const& in, Index working_bytes);

/// \param sums, of which D becomes, as `in` reads it; likewise below.
template <class Scalar, class Space>
void blocked_backward(Context<Space> const& context, BackwardArguments<Scalar> const& in,
                      RowSumArguments<Scalar> const& sums, Index working_bytes);

template <class Scalar, class Space>
void blocked_tangent_backward(Context<Space> const& context,
                              TangentBackwardArguments<Scalar> const& in,
                              RowSumArguments<Scalar> const& sums, Index working_bytes);

}  // namespace kyrtos::layers::attention
