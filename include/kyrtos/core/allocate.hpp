// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <string>

namespace kyrtos {

/// A vector of zeros that Kokkos sees as `kyrtos::<name>`.
template <class Scalar, class Space>
Vector<Scalar, Space> allocate(Context<Space> const& context, std::string const& name, Index size) {
  Vector<Scalar, Space> v(
      Kokkos::view_alloc(context.space(), Kokkos::WithoutInitializing, "kyrtos::" + name),
      static_cast<std::size_t>(size));
  Kokkos::deep_copy(context.space(), v, Scalar(0));
  return v;
}

}  // namespace kyrtos
