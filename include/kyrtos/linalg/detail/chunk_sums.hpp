// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

namespace kyrtos::linalg {

/// K numbers; what a term of K simultaneous sums returns.
template <int K>
struct Terms {
  double value[K] = {};

  KOKKOS_INLINE_FUNCTION Terms& operator+=(Terms const& other) {
    for (int k = 0; k < K; ++k) value[k] += other.value[k];
    return *this;
  }
};

namespace detail {

/// Elements [begin, end).
struct Chunk {
  Index begin, end;
};

/// Σ terms(i) over a chunk, by one thread: in interleaved sums, for which compilers use vector
/// registers without changing the order.
template <int K, class Of>
KOKKOS_INLINE_FUNCTION Terms<K> sum_in_lanes(Chunk const& chunk, Of const& terms) {
  constexpr int lanes = 8;
  double lane[K][lanes] = {};
  Index i = chunk.begin;
  for (; i + lanes <= chunk.end; i += lanes) {
    KYRTOS_SIMD
    for (int l = 0; l < lanes; ++l) {
      auto const term = terms(i + l);
      for (int k = 0; k < K; ++k) lane[k][l] += term.value[k];
    }
  }
  Terms<K> sum;
  for (; i < chunk.end; ++i) sum += terms(i);
  for (int l = 0; l < lanes; ++l)
    for (int k = 0; k < K; ++k) sum.value[k] += lane[k][l];
  return sum;
}

/// K sums of terms(i) over each of the first `count` of chunk_of(j), to the reduction buffer: in an
/// order that the chunks alone fix. A chunk is one thread's on a host, and one team's on a device,
/// where neighbouring threads read neighbouring elements.
template <int K, class Space, class ChunkOf, class Of>
void sum_chunks(Context<Space> const& context, char const* label, Index count,
                ChunkOf const& chunk_of, Of const& terms) {
  auto const sums = context.reduction_buffer();
  if constexpr (compat::has_teams_of_one<Space>) {
    using Policy = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
    Kokkos::parallel_for(
        label, Policy(context.space(), 0, count), KOKKOS_LAMBDA(Index j) {
          auto const sum = sum_in_lanes<K>(chunk_of(j), terms);
          for (int k = 0; k < K; ++k) sums(j * K + k) = sum.value[k];
        });
  } else {
    using Policy = Kokkos::TeamPolicy<Space>;
    constexpr int threads = 8;
    constexpr int vector = compat::runs_on_host<Space> ? 1 : compat::threads_in_step;
    Kokkos::parallel_for(
        label,
        Policy(context.space(), static_cast<int>(count),
               compat::team_threads(context.space(), threads), vector),
        KOKKOS_LAMBDA(typename Policy::member_type const& member) {
          Index const j = member.league_rank();
          Chunk const chunk = chunk_of(j);
          Terms<K> sum;
          Kokkos::parallel_reduce(
              Kokkos::TeamVectorRange(member, chunk.end - chunk.begin),
              [&](Index i, Terms<K>& own) { own += terms(chunk.begin + i); }, sum);
          Kokkos::single(Kokkos::PerTeam(member), [&] {
            for (int k = 0; k < K; ++k) sums(j * K + k) = sum.value[k];
          });
        });
  }
}

}  // namespace detail

}  // namespace kyrtos::linalg

namespace Kokkos {

template <int K>
struct reduction_identity<kyrtos::linalg::Terms<K>> {
  KOKKOS_FORCEINLINE_FUNCTION static kyrtos::linalg::Terms<K> sum() { return {}; }
};

}  // namespace Kokkos
