// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <string>

namespace kyrtos {

/// A vector of zeros that Kokkos sees as `kyrtos::<name>`.
template <class Scalar, class Space>
Vector<Scalar, Space> allocate(Context<Space> const& context, std::string const& name, Index size) {
  auto const v = context.template allocate<Vector<Scalar, Space>>(name, size);
  if (v.data() != nullptr) Kokkos::deep_copy(context.space(), v, Scalar(0));
  return v;
}

/// `rows` vectors of zeros, one a row of a matrix.
template <class Scalar, class Space>
Matrix<Scalar, Space> allocate_rows(Context<Space> const& context, std::string const& name,
                                    Index rows, Index size) {
  auto const m = context.template allocate<Matrix<Scalar, Space>>(name, rows, size);
  if (m.data() != nullptr) Kokkos::deep_copy(context.space(), m, Scalar(0));
  return m;
}

}  // namespace kyrtos
