// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include "lanes.hpp"

/// \file
/// \brief Copying one vector to the rows of a matrix, and deterministic sums over rows.

namespace kyrtos::layers {

/// m(i, :) ← v for every row.
template <class Scalar, class Space>
void copy_to_rows(Context<Space> const& context, VectorView<Scalar const, Space> v,
                  MatrixView<Scalar, Space> m) {
  auto const columns = static_cast<int>(m.extent(1));
  Kokkos::parallel_for(
      "kyrtos::rows::copy", lanes::policy(context.space(), static_cast<Index>(m.extent(0))),
      KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        Scalar* KOKKOS_RESTRICT const out = &m(team.league_rank(), 0);
        Scalar const* KOKKOS_RESTRICT const in = v.data();
        lanes::for_each<Space>(team, columns, [&](int j, int) { out[j] = in[j]; });
      });
}

/// out ← out + Σ row(k) for k in [0, count), rows of `columns` values, in this order; the work of
/// one team.
template <class Space, class Scalar, class Row>
KOKKOS_FORCEINLINE_FUNCTION void add_rows(lanes::Team<Space> const& team, int columns, int count,
                                          Row const& row, Scalar* out) {
  constexpr int lane_count = lanes::Traits<Space>::count;
  int const stride = team.team_size() * lane_count;
  for (int j = team.team_rank() * lane_count; j < columns; j += stride) {
    int const width = columns - j < lane_count ? columns - j : lane_count;
    Scalar sum[lane_count] = {};
    for (int k = 0; k < count; ++k) {
      Scalar const* const in = row(k) + j;
      if (width == lane_count)
        for (int lane = 0; lane < lane_count; ++lane) sum[lane] += in[lane];
      else
        for (int lane = 0; lane < width; ++lane) sum[lane] += in[lane];
    }
    for (int lane = 0; lane < width; ++lane) out[j + lane] += sum[lane];
  }
}

/// dP(t, :) ← dP(t, :) + Σ_b dy(b·length + t, :), sequences in order: the gradient of a table of
/// positions. One sweep over dy.
template <class Scalar, class Space>
void add_position_gradient(Context<Space> const& context, SequenceShape shape,
                           MatrixView<Scalar const, Space> dy, MatrixView<Scalar, Space> dp) {
  auto const columns = static_cast<int>(dy.extent(1));
  Kokkos::parallel_for(
      "kyrtos::rows::position_gradient", lanes::policy(context.space(), shape.length),
      KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        Index const t = team.league_rank();
        auto const row = [&](int b) { return dy.data() + (b * shape.length + t) * columns; };
        add_rows<Space>(team, columns, static_cast<int>(shape.batch), row, &dp(t, 0));
      });
}

/// v ← v + Σᵢ m(i, :), in an order that the shape alone fixes.
///
/// A team sums a tile of columns; on devices its threads first sum every 8th row each, and meet
/// in the team's scratch. One sweep over m.
template <class Scalar, class Space>
void add_column_sums(Context<Space> const& context, MatrixView<Scalar const, Space> m,
                     VectorView<Scalar, Space> v) {
  using Traits = lanes::Traits<Space>;
  constexpr int count = Traits::count, across = Traits::host ? 1 : 32;
  constexpr int tile = across * count, segments = Traits::team_size / across;
  auto const rows = static_cast<Index>(m.extent(0)), columns = static_cast<Index>(m.extent(1));
  using Partial = Kokkos::View<Scalar*, typename Space::scratch_memory_space, Unmanaged>;
  auto const policy =
      lanes::policy(context.space(), (columns + tile - 1) / tile)
          .set_scratch_size(
              0, Kokkos::PerTeam(static_cast<int>(Partial::shmem_size(segments * tile))));
  Kokkos::parallel_for(
      "kyrtos::rows::sum", policy, KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        Partial const partial(team.team_scratch(0), segments * tile);
        Index const begin = static_cast<Index>(team.league_rank()) * tile;
        int const width = static_cast<int>(columns - begin < tile ? columns - begin : tile);
        int const segment = team.team_rank() / across;
        int const offset = team.team_rank() % across * count;
        Scalar sum[count] = {};
        for (Index row = segment; row < rows; row += segments) {
          Scalar const* const in = m.data() + row * columns + begin + offset;
          if (offset + count <= width)
            for (int k = 0; k < count; ++k) sum[k] += in[k];
          else
            for (int k = 0; k < width - offset; ++k) sum[k] += in[k];
        }
        for (int k = 0; k < count; ++k) partial(segment * tile + offset + k) = sum[k];
        team.team_barrier();
        if (segment > 0) return;
        for (int k = offset; k < offset + count && k < width; ++k) {
          Scalar total = v(begin + k);
          for (int s = 0; s < segments; ++s) total += partial(s * tile + k);
          v(begin + k) = total;
        }
      });
}

}  // namespace kyrtos::layers
