// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "score_tile.hpp"

/// \file
/// \brief The work of a kernel that has queries along the lanes: a team takes a tile of queries of
/// one head, and the tiles of keys that these see stream past it.

namespace kyrtos::layers::attention {

struct QueryTile {
  TileStart start;
  int present = 0;  ///< How many of its queries exist.
};

/// How many tiles of tokens a sequence has.
template <class Traits, class Scalar>
KOKKOS_INLINE_FUNCTION int resident_tiles(Geometry<Scalar> const& g) {
  return (g.length + Traits::tile_lanes - 1) / Traits::tile_lanes;
}

template <class Traits, class Scalar>
Index query_tiles(Geometry<Scalar> const& g) {
  return Index(g.batch) * g.heads * resident_tiles<Traits>(g);
}

/// That of a team. If causal, the last tile of a sequence has most to do: it comes first.
template <class Traits, class Scalar>
KOKKOS_INLINE_FUNCTION QueryTile query_tile(Geometry<Scalar> const& g, int team) {
  int const tiles = resident_tiles<Traits>(g);
  int const first = (tiles - 1 - team % tiles) * Traits::tile_lanes;
  return {{team / tiles / g.heads, team / tiles % g.heads, first},
          detail::smaller(Traits::tile_lanes, g.length - first)};
}

/// f(start of the keys, tile of scores) for each tile of keys that the queries see.
template <class Traits, class Scalar, class F>
KOKKOS_FORCEINLINE_FUNCTION void for_key_tiles(Geometry<Scalar> const& g, QueryTile const& queries,
                                               F const& f) {
  auto const [sequence, head, first] = queries.start;
  int const lanes = detail::round_up(queries.present, Traits::block_lanes);
  auto const seen = g.visibility().keys_of(first, first + queries.present - 1);
  for (int key = seen.begin; key < seen.end; key += Traits::tile_rows) {
    int const present = detail::smaller(Traits::tile_rows, seen.end - key);
    f(TileStart{sequence, head / g.group(), key},
      ScoreTile<Along::queries>{
          {first, key, g.visibility()}, detail::round_up(present, Traits::block_rows), lanes});
  }
}

}  // namespace kyrtos::layers::attention
