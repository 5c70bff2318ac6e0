// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

namespace kyrtos::parallel {

/// Replaces v by its sum over the ranks of the context's communicator, the same bits on each.
/// Collective. Waits for the instance before it sends; free of cost on one rank.
template <class Scalar, class Space>
void all_reduce_sum(Context<Space> const& context, VectorView<Scalar, Space> v) {
  if (context.communicator().size() == 1) return;
  context.fence("kyrtos::all_reduce_sum");
  if constexpr (compat::is_host_accessible<Space>) {
    context.communicator().sum(std::span(v.data(), v.size()));
  } else {
    auto const staging = Kokkos::create_mirror_view(v);
    Kokkos::deep_copy(context.space(), staging, v);
    context.fence("kyrtos::all_reduce_sum");
    context.communicator().sum(std::span(staging.data(), staging.size()));
    Kokkos::deep_copy(context.space(), v, staging);
  }
}

}  // namespace kyrtos::parallel
