// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>

#include "backward_tile.hpp"
#include "launch.hpp"
#include "query_tiles.hpp"
#include "tangent_backward_tile.hpp"
#include "traits.hpp"

#include <algorithm>

/// \file
/// \brief How the backward passes go over the tiles of pairs. The kernels serve both: what a tile
/// computes is in `PairTile`, BackwardTile or TangentBackwardTile.

namespace kyrtos::layers::attention {

/// dK and dV: the tiles of queries stream past each tile of keys. The query heads of a group follow
/// each other, so that those of a shared key head are summed in a fixed order.
///
/// If `fused`, dQ too: one team works all tiles of a key head, one after the other, and adds each
/// tile's part of dQ to memory, where no other team writes.
template <class Scalar, class Space, int HeadSize, template <class, Along, class> class PairTile,
          bool fused, class Choice = AttentionTraits<Scalar, Space>>
struct KeyGradientKernel {
  using scalar_type = Scalar;
  using Traits = Choice;
  using Pairs = PairTile<Scalar, Along::keys, Traits>;
  using RegisterBlock = typename Pairs::RegisterBlock;
  using Scores = ScoreTile<Along::keys>;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;

  typename Pairs::Arguments in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  KOKKOS_INLINE_FUNCTION int teams_a_head() const {
    return fused ? 1 : resident_tiles<Traits>(in.g);
  }
  Index teams() const { return Index(in.g.batch) * in.g.kv_heads * teams_a_head(); }

  struct Scratch : Pairs {
    KOKKOS_INLINE_FUNCTION Scratch(detail::ScratchAllocator<Scalar>& c, int d)
        : Pairs(c, d, fused),
          dk(c.tile(detail::round_up(d, R), tile_lanes)),
          dv(c.tile(detail::round_up(d, R), tile_lanes)) {}
    Tile<Scalar> dk, dv;  ///< transposed
  };

  template <class Team>
  KOKKOS_FUNCTION void operator()(Team const& team) const {
    int const work = team.league_rank();
    int const head = work / teams_a_head() % in.g.kv_heads;
    int const sequence = work / teams_a_head() / in.g.kv_heads;
    int const begin = work % teams_a_head() * tile_lanes;
    int const end = fused ? in.g.length : begin + 1;
    Scratch const s = allocate_scratch(team, *this);
    for (int key = begin; key < end; key += tile_lanes)
      stream_queries(team, s, {sequence, head, key});
  }

  /// Past the tile of keys from `keys` on.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void stream_queries(Team const& team, Scratch const& s,
                                                  TileStart keys) const {
    auto const& g = in.g;
    int const d = head_size();
    int const used = detail::round_up(detail::smaller(tile_lanes, g.length - keys.token), L);
    s.load_resident(team, in, keys, d);
    detail::zero_tile<RegisterBlock>(team, s.dk, d, tile_lanes);
    detail::zero_tile<RegisterBlock>(team, s.dv, d, tile_lanes);

    auto const visibility = g.visibility();
    int const last_key = detail::smaller(keys.token + tile_lanes, g.length) - 1;
    auto const seen_by = visibility.queries_of(keys.token, last_key);
    int const first = seen_by.begin / tile_rows * tile_rows;
    for (int head = keys.head * g.group(); head < (keys.head + 1) * g.group(); ++head)
      for (int query = first; query < seen_by.end; query += tile_rows) {
        TileStart const queries{keys.sequence, head, query};
        Scores const tile{{query, keys.token, visibility},
                          detail::round_up(detail::smaller(tile_rows, g.length - query), R),
                          used};
        s.load_streamed(team, in, queries, tile.rows);
        team.team_barrier();
        s.compute(team, tile, g.soft_cap, d);
        team.team_barrier();
        accumulate_keys_and_values(team, s, tile);
        if (fused)
          add_to_queries(team, s, tile, g.queries(s.result(in), queries, tile_rows),
                         keys.token <= visibility.keys_of(query, query).begin);
        team.team_barrier();
      }

    auto const unchanged = [](int, int, auto values) { return values; };
    detail::store_transposed<Traits::vector_width>(team, g.keys(s.result(in), keys, tile_lanes),
                                                   s.dk, unchanged);
    detail::store_transposed<Traits::vector_width>(team, g.values(s.result(in), keys, tile_lanes),
                                                   s.dv, unchanged);
    team.team_barrier();
  }

  template <class Team>
  KYRTOS_KERNEL_STEP void accumulate_keys_and_values(Team const& team, Scratch const& s,
                                                     Scores const& tile) const {
    detail::for_blocks<RegisterBlock>(team, head_size(), tile.lanes, [&](int i, int j) {
      auto const [begin, end] = tile.mask.template rows_of<L>(j, tile.rows);
      RegisterBlock sum;
      sum.load(s.dk, i, j);
      s.accumulate_resident_qk(sum, i, j, begin, end);
      sum.store(s.dk, i, j);
      sum.load(s.dv, i, j);
      s.accumulate_dv(sum, i, j, begin, end);
      sum.store(s.dv, i, j);
    });
  }

  /// The first tile of keys that one of the queries sees replaces what is in memory.
  template <class Team>
  KYRTOS_KERNEL_STEP void add_to_queries(Team const& team, Scratch const& s, Scores const& tile,
                                         GlobalRows<Scalar> const& dq, bool replace) const {
    detail::for_blocks<RegisterBlock>(team, tile.rows, head_size(), [&](int i, int j) {
      RegisterBlock sum;
      sum.zero();
      auto const [begin, end] = tile.mask.template lanes_of<R>(i, 0, tile.lanes);
      s.accumulate_streamed_dq(sum, i, j, begin, end);
      sum.add_to(dq, i, j, replace);
    });
  }
};

/// dQ: the tiles of keys stream past each tile of queries.
template <class Scalar, class Space, int HeadSize, template <class, Along, class> class PairTile,
          class Choice = AttentionTraits<Scalar, Space>>
struct QueryGradientKernel {
  using scalar_type = Scalar;
  using Traits = Choice;
  using Pairs = PairTile<Scalar, Along::queries, Traits>;
  using RegisterBlock = typename Pairs::RegisterBlock;
  using Scores = ScoreTile<Along::queries>;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int tile_lanes = Traits::tile_lanes;

  typename Pairs::Arguments in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  Index teams() const { return query_tiles<Traits>(in.g); }

  struct Scratch : Pairs {
    KOKKOS_INLINE_FUNCTION Scratch(detail::ScratchAllocator<Scalar>& c, int d)
        : Pairs(c, d, false), dq(c.tile(detail::round_up(d, R), tile_lanes)) {}
    Tile<Scalar> dq;  ///< transposed
  };

  template <class Team>
  KOKKOS_FUNCTION void operator()(Team const& team) const {
    int const d = head_size();
    auto const queries = query_tile<Traits>(in.g, team.league_rank());
    Scratch const s = allocate_scratch(team, *this);
    s.load_resident(team, in, queries.start, d);
    detail::zero_tile<RegisterBlock>(team, s.dq, d, tile_lanes);

    for_key_tiles<Traits>(in.g, queries, [&](TileStart keys, Scores const& tile) {
      s.load_streamed(team, in, keys, tile.rows);
      team.team_barrier();
      s.compute(team, tile, in.g.soft_cap, d);
      team.team_barrier();
      accumulate_queries(team, s, tile);
      team.team_barrier();
    });
    Scalar const scale = in.g.scale;
    detail::store_transposed<Traits::vector_width>(
        team, in.g.queries(s.result(in), queries.start, tile_lanes), s.dq,
        [&](int, int, auto dq) { return scale * dq; });
  }

  template <class Team>
  KYRTOS_KERNEL_STEP void accumulate_queries(Team const& team, Scratch const& s,
                                             Scores const& tile) const {
    detail::for_blocks<RegisterBlock>(team, head_size(), tile.lanes, [&](int i, int j) {
      RegisterBlock sum;
      sum.load(s.dq, i, j);
      auto const [begin, end] = tile.mask.template rows_of<L>(j, tile.rows);
      s.accumulate_resident_qk(sum, i, j, begin, end);
      sum.store(s.dq, i, j);
    });
  }
};

/// Whether pieces of work that one thread each takes as a whole still pay, if all of them cost
/// `cost` of what they cost in small pieces.
template <class Space>
bool fills_threads(Space const& space, Index pieces, double cost) {
  auto const threads = static_cast<Index>(space.concurrency());
  Index const rounds = (pieces + threads - 1) / threads;
  return static_cast<double>(pieces) >= cost * static_cast<double>(rounds * threads);
}

/// A backward pass, in one kernel or in two; of no sequences both ways, for their limits.
template <template <class, Along, class> class PairTile, class Scalar, class Space, class Arguments>
std::size_t launch_backward(Space const& space, char const* label, Arguments const& in,
                            AttentionBackward how) {
  std::size_t bytes = 0;
  auto const run = [&](auto const& kernel) {
    bytes = std::max(bytes, launch(space, label, kernel, kernel.teams()));
  };
  with_head_size<Scalar, Space>(in.g.head_size, [&](auto head_size) {
    if constexpr (AttentionTraits<Scalar, Space>::fused_backward) {
      using Fused = KeyGradientKernel<Scalar, Space, head_size, PairTile, true>;
      Fused const fused{in};
      double const cost = double(Fused::Pairs::fused_products) / Fused::Pairs::split_products;
      bool const is_check = fused.teams() == 0;
      bool const is_fused = how == AttentionBackward::fused ||
                            (how == AttentionBackward::automatic &&
                             (is_check || fills_threads(space, fused.teams(), cost)));
      if (is_fused) run(fused);
      if (is_fused && !is_check) return;
    }
    run(KeyGradientKernel<Scalar, Space, head_size, PairTile, false>{in});
    run(QueryGradientKernel<Scalar, Space, head_size, PairTile>{in});
  });
  return bytes;
}

}  // namespace kyrtos::layers::attention
