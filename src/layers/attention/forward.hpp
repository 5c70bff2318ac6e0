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
  /// What m starts from: unlike -∞ it may be subtracted from itself, where a query sees no key of
  /// a tile.
  static constexpr Scalar lowest = Kokkos::Experimental::finite_min<Scalar>::value;
  using RegisterBlock = BlockOf<Scalar, Traits>;
  using RegisterRow = RowOf<Scalar, Traits>;
  using Vector = typename RegisterBlock::Vector;
  using Scores = ScoreTile<Along::queries>;

  ForwardArguments<Scalar> in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  Index teams() const { return query_tiles<Traits>(in.g); }

  struct Scratch {
    KOKKOS_INLINE_FUNCTION Scratch(detail::ScratchAllocator<Scalar>& c, int d)
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
    Scratch const s = allocate_scratch(team, *this);
    s.x.load_queries(team, in.g, in.x, queries.start, head_size());
    detail::for_lanes(team, tile_lanes, [&](int j) {
      s.max_score[j] = lowest;
      s.sum[j] = 0;
    });
    detail::zero_tile<RegisterBlock>(team, s.o, head_size(), tile_lanes);

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
  KYRTOS_KERNEL_STEP void compute_scores(Team const& team, Scratch const& s,
                                         Scores const& tile) const {
    int const d = head_size();
    detail::for_blocks<RegisterBlock>(team, tile.rows, tile.lanes, [&](int i, int j) {
      RegisterRow max;
      max.set([](int, int) { return Vector(-infinity); });
      if (!tile.mask.template fully_masked<R, L>(i, j)) {
        RegisterBlock z;
        z.zero();
        z.add_product(s.x.k, s.x.q, i, j, 0, d);
        apply_soft_cap(z, in.g.soft_cap);
        tile.mask.apply(z, i, j, -infinity);
        z.store(s.p, i, j);
        z.for_each(
            [&](int a, int v) { max.value[0][v] = simd::max(max.value[0][v], z.value[a][v]); });
      }
      max.store(s.partial, i / R, j);
    });
  }

  /// m ← max(m, largest of the tile); what was summed up to now shrinks by e^(m_old - m).
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void update_max(Team const& team, Scratch const& s,
                                              Scores const& tile) const {
    detail::for_vectors<Vector::size()>(team, tile.lanes, [&](int j) {
      auto const before = simd::load<Vector>(s.max_score + j);
      Vector max = before;
      for (int i = 0; i < tile.rows / R; ++i)
        max = simd::max(max, simd::load<Vector>(s.partial.at(i, j)));
      fast::exp_nonpositive(before - max).copy_to(s.rescale + j, simd::element_aligned);
      max.copy_to(s.max_score + j, simd::element_aligned);
    });
  }

  /// Pᵀ = e^(Zᵀ - m), and its sum in each block of keys.
  template <class Team>
  KYRTOS_KERNEL_STEP void compute_weights(Team const& team, Scratch const& s,
                                          Scores const& tile) const {
    detail::for_blocks<RegisterBlock>(team, tile.rows, tile.lanes, [&](int i, int j) {
      RegisterRow sum;
      sum.zero();
      if (!tile.mask.template fully_masked<R, L>(i, j)) {
        RegisterBlock p;
        p.load(s.p, i, j);
        p.set([&](int a, int v) {
          return fast::exp_nonpositive(p.value[a][v] -
                                       simd::load<Vector>(s.max_score + j + p.lane(v)));
        });
        p.store(s.p, i, j);
        p.for_each([&](int a, int v) { sum.value[0][v] += p.value[a][v]; });
      }
      sum.store(s.partial, i / R, j);
    });
  }

  /// Oᵀ ← Oᵀ e^(m_old - m) + Vᵀ Pᵀ, and l likewise.
  template <class Team>
  KYRTOS_KERNEL_STEP void accumulate(Team const& team, Scratch const& s, Scores const& tile) const {
    detail::for_vectors<Vector::size()>(team, tile.lanes, [&](int j) {
      auto sum = simd::load<Vector>(s.sum + j) * simd::load<Vector>(s.rescale + j);
      for (int i = 0; i < tile.rows / R; ++i) sum += simd::load<Vector>(s.partial.at(i, j));
      sum.copy_to(s.sum + j, simd::element_aligned);
    });
    detail::for_blocks<RegisterBlock>(team, head_size(), tile.lanes, [&](int i, int j) {
      RegisterBlock o;
      o.load(s.o, i, j);
      o.set([&](int a, int v) {
        return o.value[a][v] * simd::load<Vector>(s.rescale + j + o.lane(v));
      });
      auto const [begin, end] = tile.mask.template rows_of<L>(j, tile.rows);
      o.add_transposed_product(s.x.v, s.p, i, j, begin, end);
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
    detail::store_transposed<Traits::vector_width>(
        team, g.outputs(in.y, queries.start, queries.present), s.o,
        [&](int i, int, auto o) { return s.rescale[i] * o; });
  }
};

}  // namespace kyrtos::layers::attention
