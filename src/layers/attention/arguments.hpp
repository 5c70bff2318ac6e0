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
  Scalar const* x;
  Scalar* y;
  Scalar *log_sum_exp, *greatest;  ///< L, m
};

template <class Scalar>
struct TangentForwardArguments {
  Geometry<Scalar> g;
  Scalar const *x, *x_dot;
  Scalar const *y, *log_sum_exp;
  Scalar *y_dot, *mean_dot;  ///< ẏ, μ
};

template <class Scalar>
struct BackwardArguments {
  using scalar_type = Scalar;
  Geometry<Scalar> g;
  Scalar const *x, *dy;
  Scalar const *log_sum_exp, *row_sum;  ///< L, D
  Scalar* dx;
};

template <class Scalar>
struct TangentBackwardArguments {
  using scalar_type = Scalar;
  Geometry<Scalar> g;
  Scalar const *x, *x_dot, *dy, *dy_dot;
  Scalar const *log_sum_exp, *mean_dot;  ///< L, μ
  Scalar const *row_sum, *row_sum_dot;   ///< D, Ḋ
  Scalar* dx_dot;
};

}  // namespace kyrtos::layers::attention
