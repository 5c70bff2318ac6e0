// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>

#include "../detail/tile.hpp"
#include "traits.hpp"

#include <limits>
#include <string>
#include <type_traits>

namespace kyrtos::layers::attention {

/// Calls f with the head size as a compile-time constant, or with 0 for a size that has none.
template <class Scalar, class Space, class F>
void with_head_size(int head_size, F const& f) {
  if constexpr (AttentionTraits<Scalar, Space>::constant_head_sizes) switch (head_size) {
      case 32:
        return f(std::integral_constant<int, 32>());
      case 64:
        return f(std::integral_constant<int, 64>());
      case 128:
        return f(std::integral_constant<int, 128>());
      default:
        break;
    }
  f(std::integral_constant<int, 0>());
}

/// Where a team's tiles are: level 0, a device's shared memory, if they fit there, else level 1,
/// in its global memory. On hosts both are the same, but Kokkos 5.2 insists on 32 KiB for level 0.
template <class Policy>
int scratch_level(Policy const& policy, std::size_t bytes) {
  return bytes <= static_cast<std::size_t>(policy.scratch_size_max(0)) ? 0 : 1;
}

/// Throws where there is less scratch memory, or where a device has fewer threads or registers,
/// than a team asks for. On hosts a team is one thread.
template <class Policy, class Kernel>
void check_limits(Policy const& policy, std::string const& label, Kernel const& kernel,
                  std::size_t bytes) {
  auto const most_bytes = static_cast<std::size_t>(policy.scratch_size_max(kernel.scratch_level));
  if (bytes > most_bytes)
    throw ConfigError(label + ": the tiles of head_size = " + std::to_string(kernel.head_size()) +
                      " take " + std::to_string(bytes) + " bytes of a team's scratch, but " +
                      std::to_string(most_bytes) + " is the most here; choose a smaller head_size");
  if constexpr (!compat::runs_on_host<typename Policy::execution_space>) {
    int const most = policy.team_size_max(kernel, Kokkos::ParallelForTag());
    if (most < policy.team_size())
      throw ConfigError(label + ": a team of " + std::to_string(policy.team_size()) +
                        " threads is needed, but this device has registers and scratch for " +
                        std::to_string(most) + "; build with smaller tiles (attention/traits.hpp)");
  }
}

/// Runs a kernel with one team for each of `teams` pieces of work: for none it only checks the
/// device's limits. A kernel has its Traits and lists its tiles in Scratch.
/// \return bytes of ordinary memory that a team's tiles take: 0 where they are in shared memory.
template <class Space, class Kernel>
std::size_t launch(Space const& space, char const* label, Kernel kernel, Index teams) {
  using Traits = typename Kernel::Traits;
  using Scalar = typename Kernel::scalar_type;
  static_assert(Traits::tile_rows % Traits::block_rows == 0 &&
                Traits::tile_lanes % Traits::block_lanes == 0);
  using Policy =
      Kokkos::TeamPolicy<Space, Kokkos::Schedule<Kokkos::Dynamic>, typename Traits::LaunchBounds>;
  require(teams <= std::numeric_limits<int>::max(),
          "attention: too many tiles for one launch; use a smaller micro-batch");
  detail::ScratchAllocator<Scalar> counter;
  typename Kernel::Scratch(counter, kernel.head_size());
  std::size_t const alignment = 64;
  auto const bytes = static_cast<std::size_t>(counter.used()) * sizeof(Scalar) + alignment;
  Policy policy(space, static_cast<int>(teams), compat::team_threads(space, Traits::team_size),
                Traits::vector_length);
  policy.set_chunk_size(1);
  kernel.scratch_level = scratch_level(policy, bytes);
  policy.set_scratch_size(kernel.scratch_level, Kokkos::PerTeam(static_cast<int>(bytes)));
  check_limits(policy, label, kernel, bytes);
  if (teams > 0) Kokkos::parallel_for(label, policy, kernel);
  return compat::runs_on_host<Space> || kernel.scratch_level == 1 ? bytes : 0;
}

/// The team's scratch, divided into the kernel's tiles.
template <class Kernel, class Team>
KOKKOS_FORCEINLINE_FUNCTION typename Kernel::Scratch allocate_scratch(Team const& team,
                                                                      Kernel const& kernel) {
  using Scalar = typename Kernel::scalar_type;
  int const head_size = kernel.head_size();
  detail::ScratchAllocator<Scalar> counter;
  typename Kernel::Scratch(counter, head_size);
  auto* const memory =
      static_cast<Scalar*>(team.team_scratch(kernel.scratch_level)
                               .get_shmem_aligned(counter.used() * sizeof(Scalar), 64));
  compat::poison(team, memory, counter.used());
  detail::ScratchAllocator<Scalar> allocator(memory);
  return typename Kernel::Scratch(allocator, head_size);
}

}  // namespace kyrtos::layers::attention
