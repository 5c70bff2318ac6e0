// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

namespace kyrtos::optim::detail {

/// body(i) for i in [0, n): on a host in chunks whose inner loop uses vector registers.
template <class Space, class Body>
void for_each_element(Context<Space> const& context, char const* label, Index n, Body const& body) {
  constexpr Index chunk = compat::runs_on_host<Space> ? 1024 : 1;
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      label, Range(context.space(), 0, (n + chunk - 1) / chunk), KOKKOS_LAMBDA(Index block) {
        Index const end = (block + 1) * chunk < n ? (block + 1) * chunk : n;
        KYRTOS_SIMD
        for (Index i = block * chunk; i < end; ++i) body(i);
      });
}

}  // namespace kyrtos::optim::detail
