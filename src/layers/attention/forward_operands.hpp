// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "geometry.hpp"

namespace kyrtos::layers::attention {

/// Tiles of x, or of ẋ, in the forward passes.
template <class Scalar, class Traits>
struct ForwardOperands {
  static constexpr int R = Traits::block_rows;
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;

  Tile<Scalar> q;     ///< Qᵀ/√D, [D, lanes]
  Tile<Scalar> k, v;  ///< as in memory, [rows, D]

  KOKKOS_INLINE_FUNCTION ForwardOperands(detail::ScratchAllocator<Scalar>& c, int d)
      : q(c.tile(d, tile_lanes)),
        k(c.tile(tile_rows, detail::round_up(d, R))),
        v(c.tile(tile_rows, detail::round_up(d, R))) {}

  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_queries(Team const& team, Geometry<Scalar> const& g,
                                                Scalar const* x, TileStart at, int d) const {
    detail::load_transposed<Traits::vector_width>(team, q, g.queries(x, at, tile_lanes), tile_lanes,
                                                  d, g.scale);
  }
  /// `count` rows.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_keys_and_values(Team const& team, Geometry<Scalar> const& g,
                                                        Scalar const* x, TileStart at,
                                                        int count) const {
    load_rows(team, k, g.keys(x, at, tile_rows), count, k.stride, Scalar(1));
    load_rows(team, v, g.values(x, at, tile_rows), count, v.stride, Scalar(1));
  }
};

}  // namespace kyrtos::layers::attention
