// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

namespace kyrtos::optim::detail {

/// body(i) for i in [0, n): on a host in stretches whose inner loop uses vector registers.
template <class Space, class Body>
void sweep(Context<Space> const& context, char const* label, Index n, Body const& body) {
  constexpr Index stretch = compat::runs_on_host<Space> ? 1024 : 1;
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      label, Range(context.space(), 0, (n + stretch - 1) / stretch), KOKKOS_LAMBDA(Index block) {
        Index const end = (block + 1) * stretch < n ? (block + 1) * stretch : n;
        KYRTOS_SIMD
        for (Index i = block * stretch; i < end; ++i) body(i);
      });
}

}  // namespace kyrtos::optim::detail
