// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "arguments.hpp"
#include "forward_operands.hpp"
#include "launch.hpp"
#include "query_tiles.hpp"
#include "traits.hpp"

namespace kyrtos::layers::attention {

/// Forward pass with the online softmax (Milakov & Gimelshein 2018; Dao et al. 2022): per query,
/// which is a lane, a running largest score m and sum l = Σ e^(z - m), both rescaled when m grows.
///
/// Tiles: Zᵀ [keys, queries] = K Qᵀ, then Oᵀ [D, queries] += Vᵀ Pᵀ.
template <class Scalar, class Space, int HeadSize, class Choice = AttentionTraits<Scalar, Space>>
struct ForwardKernel {
  using scalar_type = Scalar;
  using Traits = Choice;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;
  static constexpr Scalar infinity = Kokkos::Experimental::infinity<Scalar>::value;
  using RegisterBlock = Block<Scalar, R, L>;
  using Scores = ScoreTile<Along::queries>;

  ForwardArguments<Scalar> in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  Index teams() const { return query_tiles<Traits>(in.g); }

  struct Scratch {
    KOKKOS_INLINE_FUNCTION Scratch(detail::Carver<Scalar>& c, int d)
        : x(c, d),
          p(c.tile(tile_rows, tile_lanes)),
          o(c.tile(detail::round_up(d, R), tile_lanes)),
          partial(c.tile(tile_rows / R, tile_lanes)),
          max_score(c.take(tile_lanes)),
          sum(c.take(tile_lanes)),
          rescale(c.take(tile_lanes)) {}
    ForwardOperands<Scalar, Traits> x;
    Tile<Scalar> p, o;     ///< Zᵀ, then Pᵀ; Oᵀ
    Tile<Scalar> partial;  ///< Per block of keys: largest score, then sum of weights.
    Scalar *max_score, *sum, *rescale;
  };

  template <class Team>
  KOKKOS_FUNCTION void operator()(Team const& team) const {
    auto const queries = query_tile<Traits>(in.g, team.league_rank());
    Scratch const s = carve_scratch(team, *this);
    s.x.load_queries(team, in.g, in.x, queries.start, head_size());
    detail::for_lanes(team, tile_lanes, [&](int j) {
      s.max_score[j] = -infinity;
      s.sum[j] = 0;
    });
    detail::zero_tile<R, L>(team, s.o, head_size(), tile_lanes);

    for_key_tiles<Traits>(in.g, queries, [&](TileStart keys, Scores const& tile) {
      s.x.load_keys_and_values(team, in.g, in.x, keys, tile.rows);
      team.team_barrier();
      compute_scores(team, s, tile);
      team.team_barrier();
      update_max(team, s, tile);
      team.team_barrier();
      compute_weights(team, s, tile);
      team.team_barrier();
      accumulate(team, s, tile);
      team.team_barrier();
    });
    finish(team, s, queries);
  }

  /// Zᵀ = K Qᵀ, and the largest score of each lane in each block of keys.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void compute_scores(Team const& team, Scratch const& s,
                                                  Scores const& tile) const {
    int const d = head_size();
    detail::for_blocks<R, L>(team, tile.rows, tile.lanes, [&](int i, int j) {
      RegisterBlock z;
      if (tile.mask.template fully_masked<R, L>(i, j)) {
        for (int b = 0; b < L; ++b) s.partial(i / R, j + b) = -infinity;
        return;
      }
      z.zero();
      z.add_product(s.x.k, s.x.q, i, j, 0, d);
      apply_soft_cap(z, in.g.soft_cap);
      tile.mask.apply(z, i, j, -infinity);
      z.store(s.p, i, j);
      Scalar max[L];
      for (int b = 0; b < L; ++b) max[b] = z.value[0][b];
      for (int a = 1; a < R; ++a)
        for (int b = 0; b < L; ++b) max[b] = max[b] < z.value[a][b] ? z.value[a][b] : max[b];
      for (int b = 0; b < L; ++b) s.partial(i / R, j + b) = max[b];
    });
  }

  /// m ← max(m, largest of the tile); what was summed up to now shrinks by e^(m_old - m).
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void update_max(Team const& team, Scratch const& s,
                                              Scores const& tile) const {
    detail::for_lanes(team, tile.lanes, [&](int j) {
      Scalar const before = s.max_score[j];
      Scalar max = before;
      for (int i = 0; i < tile.rows / R; ++i) max = max < s.partial(i, j) ? s.partial(i, j) : max;
      s.rescale[j] = fast::exp_nonpositive(before - max);
      s.max_score[j] = max;
    });
  }

  /// Pᵀ = e^(Zᵀ - m), and its sum in each block of keys.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void compute_weights(Team const& team, Scratch const& s,
                                                   Scores const& tile) const {
    detail::for_blocks<R, L>(team, tile.rows, tile.lanes, [&](int i, int j) {
      Scalar sum[L], max[L];
      for (int b = 0; b < L; ++b) sum[b] = 0, max[b] = s.max_score[j + b];
      if (!tile.mask.template fully_masked<R, L>(i, j)) {
        RegisterBlock p;
        p.load(s.p, i, j);
        p.set([&](int a, int b) { return fast::exp_nonpositive(p.value[a][b] - max[b]); });
        p.store(s.p, i, j);
        for (int a = 0; a < R; ++a)
          for (int b = 0; b < L; ++b) sum[b] += p.value[a][b];
      }
      for (int b = 0; b < L; ++b) s.partial(i / R, j + b) = sum[b];
    });
  }

  /// Oᵀ ← Oᵀ e^(m_old - m) + Vᵀ Pᵀ, and l likewise.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void accumulate(Team const& team, Scratch const& s,
                                              Scores const& tile) const {
    detail::for_lanes(team, tile.lanes, [&](int j) {
      Scalar sum = s.sum[j] * s.rescale[j];
      for (int i = 0; i < tile.rows / R; ++i) sum += s.partial(i, j);
      s.sum[j] = sum;
    });
    detail::for_blocks<R, L>(team, head_size(), tile.lanes, [&](int i, int j) {
      Scalar factor[L];
      for (int b = 0; b < L; ++b) factor[b] = s.rescale[j + b];
      RegisterBlock o;
      o.load(s.o, i, j);
      o.set([&](int a, int b) { return o.value[a][b] * factor[b]; });
      o.add_transposed_product(s.x.v, s.p, i, j, 0, tile.mask.template rows_end<L>(j, tile.rows));
      o.store(s.o, i, j);
    });
  }

  /// y = O/l, L = m + ln l.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void finish(Team const& team, Scratch const& s,
                                          QueryTile const& queries) const {
    auto const& g = in.g;
    Scalar* const log_sum_exp = g.statistic(in.log_sum_exp, queries.start);
    Scalar* const max_score = g.statistic(in.max_score, queries.start);
    detail::for_lanes(team, queries.present, [&](int j) {
      Scalar const sum = s.sum[j];
      log_sum_exp[Index(j) * g.heads] = s.max_score[j] + math::log(sum);
      max_score[Index(j) * g.heads] = s.max_score[j];
      s.rescale[j] = 1 / sum;
    });
    team.team_barrier();
    store_rows(team, g.outputs(in.y, queries.start, queries.present),
               [&](int i, int e) { return s.rescale[i] * s.o(e, i); });
  }
};

}  // namespace kyrtos::layers::attention
