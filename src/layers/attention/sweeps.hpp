// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>

#include "gradient_tile.hpp"
#include "launch.hpp"
#include "tangent_gradient_tile.hpp"
#include "traits.hpp"

/// \file
/// \brief How the backward passes go over the tiles of pairs.
///
/// A sweep is the same for both passes; what a tile computes is in `Pairs`: GradientTile for the
/// backward, TangentGradientTile for the tangent backward pass.

namespace kyrtos::layers::attention {

/// Once over the queries for each tile of keys, for dK and dV. The query heads of a group follow
/// each other, so that those of a shared key head are summed in a fixed order.
///
/// In a `single_sweep` one team works all tiles of a key head, one after the other, and adds each
/// tile's part of dQ to memory: no other team writes there.
template <class Scalar, class Space, int HeadSize, template <class, Along, class> class Pairs,
          bool single_sweep, class Choice = AttentionTraits<Scalar, Space>>
struct KeySweep {
  using scalar_type = Scalar;
  using Traits = Choice;
  using PairTile = Pairs<Scalar, Along::keys, Traits>;
  using RegisterBlock = typename PairTile::RegisterBlock;
  using View = Window<Along::keys>;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int rows = Traits::tile_rows, lanes = Traits::tile_lanes;

  typename PairTile::Arguments in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  KOKKOS_INLINE_FUNCTION int tiles() const { return (in.g.length + lanes - 1) / lanes; }
  KOKKOS_INLINE_FUNCTION int tiles_a_team() const { return single_sweep ? tiles() : 1; }
  Index teams() const { return Index(in.g.batch) * in.g.kv_heads * (tiles() / tiles_a_team()); }

  struct Scratch : PairTile {
    KOKKOS_INLINE_FUNCTION Scratch(detail::Carver<Scalar>& c, int d)
        : PairTile(c, d, single_sweep),
          dk(c.tile(detail::round_up(d, R), lanes)),
          dv(c.tile(detail::round_up(d, R), lanes)) {}
    Tile<Scalar> dk, dv;  ///< transposed
  };

  template <class Team>
  KOKKOS_FUNCTION void operator()(Team const& team) const {
    int const teams_a_head = tiles() / tiles_a_team();
    int const kv_head = team.league_rank() / teams_a_head % in.g.kv_heads;
    int const sequence = team.league_rank() / teams_a_head / in.g.kv_heads;
    int const first = team.league_rank() % teams_a_head;
    Scratch const s = carve_scratch(team, *this);
    for (int tile = first; tile < first + tiles_a_team(); ++tile)
      sweep(team, s, sequence, kv_head, tile * lanes);
  }

  /// The tile of keys from `key` on against all queries that see it.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void sweep(Team const& team, Scratch const& s, int sequence,
                                         int kv_head, int key) const {
    auto const& g = in.g;
    int const d = head_size();
    int const used = detail::round_up(detail::smaller(lanes, g.length - key), L);
    s.load_lanes(team, in, sequence, kv_head, key, d);
    detail::zero_tile<R, L>(team, s.dk, d, lanes);
    detail::zero_tile<R, L>(team, s.dv, d, lanes);

    for (int head = kv_head * g.group(); head < (kv_head + 1) * g.group(); ++head)
      for (int query = g.causal ? key / rows * rows : 0; query < g.length; query += rows) {
        int const count = detail::round_up(detail::smaller(rows, g.length - query), R);
        View const view{query, key, g.length, g.causal};
        s.load_streamed(team, in, sequence, head, query, count);
        team.team_barrier();
        s.compute(team, view, g.soft_cap, d, count, used);
        team.team_barrier();
        add_to_keys(team, s, view, count, used);
        if (single_sweep)
          add_to_queries(team, s, view, count, used,
                         g.queries(s.result(in), sequence, head, query, rows), key == 0);
        team.team_barrier();
      }

    store_rows(team, g.keys(s.result(in), sequence, kv_head, key, lanes),
               [&](int i, int e) { return s.dk(e, i); });
    store_rows(team, g.values(s.result(in), sequence, kv_head, key, lanes),
               [&](int i, int e) { return s.dv(e, i); });
    team.team_barrier();
  }

  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void add_to_keys(Team const& team, Scratch const& s, View const& view,
                                               int count, int used) const {
    detail::for_blocks<R, L>(team, head_size(), used, [&](int i, int j) {
      int const begin = view.rows_begin(j);
      RegisterBlock sum;
      sum.load(s.dk, i, j);
      s.add_first(sum, i, j, begin, count);
      sum.store(s.dk, i, j);
      sum.load(s.dv, i, j);
      s.add_second(sum, i, j, begin, count);
      sum.store(s.dv, i, j);
    });
  }

  /// The first tile of keys, which every query sees, replaces what is in memory.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void add_to_queries(Team const& team, Scratch const& s,
                                                  View const& view, int count, int used,
                                                  GlobalRows<Scalar> const& dq,
                                                  bool replace) const {
    detail::for_blocks<R, L>(team, count, head_size(), [&](int i, int j) {
      RegisterBlock sum;
      sum.zero();
      s.add_across(sum, i, j, view.template lanes_end<R>(i, used));
      sum.add_to(dq, i, j, replace);
    });
  }
};

/// Once over the keys for each tile of queries, for dQ.
template <class Scalar, class Space, int HeadSize, template <class, Along, class> class Pairs,
          class Choice = AttentionTraits<Scalar, Space>>
struct QuerySweep {
  using scalar_type = Scalar;
  using Traits = Choice;
  using PairTile = Pairs<Scalar, Along::queries, Traits>;
  using RegisterBlock = typename PairTile::RegisterBlock;
  using View = Window<Along::queries>;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int rows = Traits::tile_rows, lanes = Traits::tile_lanes;

  typename PairTile::Arguments in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  KOKKOS_INLINE_FUNCTION int tiles() const { return (in.g.length + lanes - 1) / lanes; }
  Index teams() const { return Index(in.g.batch) * in.g.heads * tiles(); }

  struct Scratch : PairTile {
    KOKKOS_INLINE_FUNCTION Scratch(detail::Carver<Scalar>& c, int d)
        : PairTile(c, d, false), dq(c.tile(detail::round_up(d, R), lanes)) {}
    Tile<Scalar> dq;  ///< transposed
  };

  template <class Team>
  KOKKOS_FUNCTION void operator()(Team const& team) const {
    auto const& g = in.g;
    int const d = head_size();
    int const tile = tiles() - 1 - team.league_rank() % tiles();  // causal: the longest first
    int const head = team.league_rank() / tiles() % g.heads;
    int const sequence = team.league_rank() / tiles() / g.heads;
    int const query = tile * lanes;
    int const present = detail::smaller(lanes, g.length - query);
    int const used = detail::round_up(present, L);
    Scratch const s = carve_scratch(team, *this);
    s.load_lanes(team, in, sequence, head, query, d);
    detail::zero_tile<R, L>(team, s.dq, d, lanes);

    int const end = g.causal ? query + present : g.length;
    for (int key = 0; key < end; key += rows) {
      int const count = detail::round_up(detail::smaller(rows, end - key), R);
      View const view{query, key, g.length, g.causal};
      s.load_streamed(team, in, sequence, head / g.group(), key, count);
      team.team_barrier();
      s.compute(team, view, g.soft_cap, d, count, used);
      team.team_barrier();
      detail::for_blocks<R, L>(team, d, used, [&](int i, int j) {
        RegisterBlock sum;
        sum.load(s.dq, i, j);
        s.add_first(sum, i, j, 0, view.template rows_end<L>(j, count));
        sum.store(s.dq, i, j);
      });
      team.team_barrier();
    }
    Scalar const scale = g.scale;
    store_rows(team, g.queries(s.result(in), sequence, head, query, lanes),
               [&](int i, int e) { return scale * s.dq(e, i); });
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

/// A backward pass, in one sweep or two.
template <template <class, Along, class> class Pairs, int HeadSize, class Space, class Arguments>
void sweep_over_pairs(Space const& space, char const* label, Arguments const& in,
                      AttentionSweeps sweeps, double cost) {
  using Scalar = typename Arguments::scalar_type;
  if constexpr (AttentionTraits<Scalar, Space>::single_sweep) {
    KeySweep<Scalar, Space, HeadSize, Pairs, true> const all{in};
    if (sweeps == AttentionSweeps::single ||
        (sweeps == AttentionSweeps::automatic && fills_threads(space, all.teams(), cost)))
      return launch(space, label, all, all.teams());
  }
  KeySweep<Scalar, Space, HeadSize, Pairs, false> const keys{in};
  launch(space, label, keys, keys.teams());
  QuerySweep<Scalar, Space, HeadSize, Pairs> const queries{in};
  launch(space, label, queries, queries.teams());
}

/// One index a (token, query head).
template <class Space, class Scalar>
auto head_rows(Space const& space, Geometry<Scalar> const& g) {
  return Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>(space, 0,
                                                              Index(g.batch) * g.length * g.heads);
}

}  // namespace kyrtos::layers::attention
