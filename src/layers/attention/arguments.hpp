// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "geometry.hpp"

/// \file
/// \brief What the kernels of each pass read and write: x, ẋ, dx and dẋ with packed rows, y and
/// its kin with rows of H·D, and numbers a (token, query head).

namespace kyrtos::layers::attention {

template <class Scalar>
struct ForwardArguments {
  Geometry<Scalar> g;
  Scalar const* x = nullptr;
  Scalar* y = nullptr;
  Scalar *log_sum_exp = nullptr, *max_score = nullptr;  ///< L, m
};

/// Rows that continue one sequence.
template <class Scalar>
struct ExtendArguments {
  Geometry<Scalar> g;
  Scalar const* x = nullptr;
  Scalar* y = nullptr;
  Index past = 0;            ///< Tokens before the first row.
  Index capacity = 0;        ///< Of the following, in tokens.
  Scalar* keys = nullptr;    ///< [key head, feature, token]
  Scalar* values = nullptr;  ///< [key head, token, feature]
};

template <class Scalar>
struct TangentForwardArguments {
  Geometry<Scalar> g;
  Scalar const *x = nullptr, *x_dot = nullptr;
  Scalar const *y = nullptr, *log_sum_exp = nullptr;
  Scalar *y_dot = nullptr, *mean_dot = nullptr;  ///< ẏ, μ
};

/// What is summed over the features before a backward pass; with the tangents, before its tangent.
template <class Scalar>
struct RowSumArguments {
  Geometry<Scalar> g;
  Scalar const *y = nullptr, *dy = nullptr;
  Scalar* row_sum = nullptr;  ///< D
  Scalar const *y_dot = nullptr, *dy_dot = nullptr;
  Scalar* row_sum_dot = nullptr;  ///< Ḋ, or none
};

template <class Scalar>
struct BackwardArguments {
  Geometry<Scalar> g;
  Scalar const *x = nullptr, *dy = nullptr;
  Scalar const *log_sum_exp = nullptr, *row_sum = nullptr;  ///< L, D
  Scalar* dx = nullptr;
};

template <class Scalar>
struct TangentBackwardArguments {
  Geometry<Scalar> g;
  Scalar const *x = nullptr, *x_dot = nullptr, *dy = nullptr, *dy_dot = nullptr;
  Scalar const *log_sum_exp = nullptr, *mean_dot = nullptr;  ///< L, μ
  Scalar const *row_sum = nullptr, *row_sum_dot = nullptr;   ///< D, Ḋ
  Scalar* dx_dot = nullptr;
};

}  // namespace kyrtos::layers::attention
