// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>

#include "arguments.hpp"

/// \file
/// \brief The passes of attention on bare pointers, one source file each. They return the bytes of
/// ordinary memory that a team takes for its tiles (launch.hpp), also where there are no sequences.

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
std::size_t forward(Space const& space, ForwardArguments<Scalar> const& in);

/// Keeps the rows' keys and values, then lets their queries see all that are kept.
template <class Scalar, class Space>
void extend(Space const& space, ExtendArguments<Scalar> const& in);

template <class Scalar, class Space>
std::size_t tangent_forward(Space const& space, TangentForwardArguments<Scalar> const& in);

/// D = rowsum(dO∘O) and, if asked for, Ḋ = rowsum(dȮ∘O + dO∘Ȯ).
template <class Scalar, class Space>
void output_row_sums(Space const& space, RowSumArguments<Scalar> const& in);

template <class Scalar, class Space>
std::size_t backward(Space const& space, BackwardArguments<Scalar> const& in,
                     AttentionBackward how);

template <class Scalar, class Space>
std::size_t tangent_backward(Space const& space, TangentBackwardArguments<Scalar> const& in,
                             AttentionBackward how);

}  // namespace kyrtos::layers::attention
