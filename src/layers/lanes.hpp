// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/kokkos_compat.hpp>
#include <kyrtos/core/types.hpp>
#include <kyrtos/linalg/rounding.hpp>

#include <type_traits>

/// \file
/// \brief Kernels over the elements of long rows, one source for CPUs and devices.
///
/// One team works a row: an output of a head is as long as the vocabulary. (Rows of features take a
/// vector each, by `layers/detail/rows.hpp`.) On CPUs a team is one thread, which takes `lanes`
/// neighbours at a time: the inner loop has a fixed count and independent accumulators, so that it
/// becomes vector instructions without reassociating sums. On devices `lanes` is one and the
/// threads of a team take neighbouring elements. Either way the order of a sum depends on the row's
/// length alone.

namespace kyrtos::layers::lanes {

template <class Space>
struct Traits {
  static constexpr bool host = compat::has_teams_of_one<Space>;
  static constexpr int count = host ? 64 : 1;
  static constexpr int team_size = host ? 1 : 256;
};

template <class Space>
using Team = typename Kokkos::TeamPolicy<Space>::member_type;

/// One team for each of `rows` rows.
template <class Space>
Kokkos::TeamPolicy<Space> policy(Space const& space, Index rows) {
  return Kokkos::TeamPolicy<Space>(space, static_cast<int>(rows),
                                   compat::team_threads(space, Traits<Space>::team_size), 1);
}

/// body(j, lane) for each j in [0, n), shared out over the team.
template <class Space, class Body>
KOKKOS_FORCEINLINE_FUNCTION void for_each(Team<Space> const& team, int n, Body const& body) {
  constexpr int count = Traits<Space>::count;
  int const stride = team.team_size() * count;
  int j = team.team_rank() * count;
  for (; j + count <= n; j += stride)
    for (int lane = 0; lane < count; ++lane) body(j + lane, lane);
  for (int lane = 0; j + lane < n && lane < count; ++lane) body(j + lane, lane);
}

/// The sum over all lanes of the team, known to each of its threads.
template <class Space, class T>
KOKKOS_FORCEINLINE_FUNCTION T sum(Team<Space> const& team, T const* lane) {
  T total = 0;
  Kokkos::parallel_reduce(
      Kokkos::TeamThreadRange(team, team.team_size()),
      [&](int, T& partial) {
        for (int k = 0; k < Traits<Space>::count; ++k) partial += lane[k];
      },
      total);
  return total;
}

/// The same for the largest.
template <class Space, class T>
KOKKOS_FORCEINLINE_FUNCTION T largest(Team<Space> const& team, T const* lane) {
  T total = lane[0];
  Kokkos::parallel_reduce(
      Kokkos::TeamThreadRange(team, team.team_size()),
      [&](int, T& partial) {
        for (int k = 0; k < Traits<Space>::count; ++k)
          partial = lane[k] > partial ? lane[k] : partial;
      },
      Kokkos::Max<T>(total));
  return total;
}

/// Writes a value of row i once more, rounded, if that is asked for: on devices, where each is
/// written by the thread that has it.
template <class Space, class Scalar>
KOKKOS_FORCEINLINE_FUNCTION void store_rounded(linalg::RoundedRows const& to, int i, int j,
                                               Scalar x) {
  if constexpr (!Traits<Space>::host && std::is_same_v<Scalar, float>)
    if (to.data != nullptr) to.store(i, j, x);
}

/// The whole row likewise: on a host, whose caches hold it, in loops that compilers vectorise.
template <class Space, class Scalar>
KOKKOS_INLINE_FUNCTION void round_row(Team<Space> const& team, linalg::RoundedRows const& to, int i,
                                      Scalar const* KOKKOS_RESTRICT row, int n) {
  if constexpr (Traits<Space>::host && std::is_same_v<Scalar, float>) {
    if (to.data == nullptr) return;
    auto* KOKKOS_RESTRICT const in_bfloat16 = to.in_bfloat16(i);
    auto* KOKKOS_RESTRICT const in_tf32 = to.in_tf32(i);
    if (to.is_bfloat16)
      for_each<Space>(team, n, [&](int j, int) { in_bfloat16[j] = linalg::to_bfloat16(row[j]); });
    else
      for_each<Space>(team, n, [&](int j, int) { in_tf32[j] = linalg::to_tf32(row[j]); });
  }
}

}  // namespace kyrtos::layers::lanes
