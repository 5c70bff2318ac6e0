// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>

#include "arguments.hpp"

/// \file
/// \brief The passes of attention on bare pointers, one source file each.

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
void forward(Space const& space, ForwardArguments<Scalar> const& in);

template <class Scalar, class Space>
void tangent_forward(Space const& space, TangentForwardArguments<Scalar> const& in);

/// D = rowsum(dO∘O). One sweep over two outputs.
template <class Scalar, class Space>
void output_row_sums(Space const& space, Geometry<Scalar> const& g, Scalar const* y,
                     Scalar const* dy, Scalar* row_sum);

template <class Scalar, class Space>
void backward(Space const& space, BackwardArguments<Scalar> const& in, AttentionSweeps sweeps);

/// D and Ḋ = rowsum(dȮ∘O + dO∘Ȯ). One sweep over four outputs.
template <class Scalar, class Space>
void tangent_output_row_sums(Space const& space, Geometry<Scalar> const& g, Scalar const* y,
                             Scalar const* y_dot, Scalar const* dy, Scalar const* dy_dot,
                             Scalar* row_sum, Scalar* row_sum_dot);

template <class Scalar, class Space>
void tangent_backward(Space const& space, TangentBackwardArguments<Scalar> const& in,
                      AttentionSweeps sweeps);

}  // namespace kyrtos::layers::attention
