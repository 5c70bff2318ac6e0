// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "score_tile.hpp"

namespace kyrtos::layers::attention {

/// Tiles of x and dy, or of ẋ and dẏ, in the backward passes: the factors of Z = QKᵀ and of
/// dP = dO Vᵀ. With keys along the lanes K and V are resident and Q and dO stream past, with
/// queries along the lanes it is the other way round. Queries carry the factor 1/√D, so that Z
/// needs none and what is gathered from them (dK) has it already.
template <class Scalar, Along lanes, class Traits>
struct BackwardOperands {
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;

  Tile<Scalar> streamed_qk, streamed_ov;  ///< Q/√D and dO, or K and V, as in memory: [rows, D]
  Tile<Scalar> resident_qk, resident_ov;  ///< Kᵀ and Vᵀ, or Qᵀ/√D and dOᵀ: [D, lanes]
  Tile<Scalar> k;                         ///< K/√D as in memory: [lanes, D], only if `fused`

  KOKKOS_INLINE_FUNCTION BackwardOperands(detail::ScratchAllocator<Scalar>& c, int d, bool fused)
      : streamed_qk(c.tile(tile_rows, detail::round_up(d, R))),
        streamed_ov(c.tile(tile_rows, detail::round_up(d, R))),
        resident_qk(c.tile(d, tile_lanes)),
        resident_ov(c.tile(d, tile_lanes)),
        k(fused ? c.tile(tile_lanes, detail::round_up(d, L)) : Tile<Scalar>()) {}

  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_resident(Team const& team, Geometry<Scalar> const& g,
                                                 Scalar const* x, Scalar const* dy, TileStart at,
                                                 int d) const {
    int const n = tile_lanes;
    Scalar const one = 1;
    if constexpr (lanes == Along::keys) {
      detail::load_transposed<Traits::vector_width>(team, resident_qk, g.keys(x, at, n), n, d, one);
      detail::load_transposed<Traits::vector_width>(team, resident_ov, g.values(x, at, n), n, d,
                                                    one);
      if (k.data != nullptr) load_rows(team, k, g.keys(x, at, n), n, k.stride, g.scale);
    } else {
      detail::load_transposed<Traits::vector_width>(team, resident_qk, g.queries(x, at, n), n, d,
                                                    g.scale);
      detail::load_transposed<Traits::vector_width>(team, resident_ov, g.outputs(dy, at, n), n, d,
                                                    one);
    }
  }

  /// `count` rows.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_streamed(Team const& team, Geometry<Scalar> const& g,
                                                 Scalar const* x, Scalar const* dy, TileStart at,
                                                 int count) const {
    int const n = tile_rows, width = streamed_qk.stride;
    Scalar const one = 1;
    if constexpr (lanes == Along::keys) {
      load_rows(team, streamed_qk, g.queries(x, at, n), count, width, g.scale);
      load_rows(team, streamed_ov, g.outputs(dy, at, n), count, width, one);
    } else {
      load_rows(team, streamed_qk, g.keys(x, at, n), count, width, one);
      load_rows(team, streamed_ov, g.values(x, at, n), count, width, one);
    }
  }
};

}  // namespace kyrtos::layers::attention
