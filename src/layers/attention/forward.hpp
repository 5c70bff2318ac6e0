// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "arguments.hpp"
#include "launch.hpp"
#include "traits.hpp"

namespace kyrtos::layers::attention {

/// Forward pass: one team takes a tile of queries of one head along its lanes and streams the keys
/// and values past it, with the online softmax (Milakov & Gimelshein 2018; Dao et al. 2022): per
/// lane a running greatest score m and sum l = Σ e^(z - m), both rescaled when m grows.
///
/// Tiles: Zᵀ [keys, queries] = K Qᵀ, then Oᵀ [D, queries] += Vᵀ Pᵀ.
template <class Scalar, class Space, int HeadSize, class Choice = AttentionTraits<Scalar, Space>>
struct ForwardKernel {
  using scalar_type = Scalar;
  using Traits = Choice;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int rows = Traits::tile_rows, lanes = Traits::tile_lanes;
  using RegisterBlock = Block<Scalar, R, L>;
  using View = Window<Along::queries>;

  ForwardArguments<Scalar> in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  KOKKOS_INLINE_FUNCTION int tiles() const { return (in.g.length + lanes - 1) / lanes; }
  Index teams() const { return Index(in.g.batch) * in.g.heads * tiles(); }

  struct Scratch {
    KOKKOS_INLINE_FUNCTION Scratch(detail::Carver<Scalar>& c, int d)
        : q(c.tile(d, lanes)),
          k(c.tile(rows, detail::round_up(d, R))),
          v(c.tile(rows, detail::round_up(d, R))),
          p(c.tile(rows, lanes)),
          o(c.tile(detail::round_up(d, R), lanes)),
          partial(c.tile(rows / R, lanes)),
          greatest(c.take(lanes)),
          sum(c.take(lanes)),
          rescale(c.take(lanes)) {}
    Tile<Scalar> q, k, v;  ///< Qᵀ/√D, K, V
    Tile<Scalar> p, o;     ///< Zᵀ, then Pᵀ; Oᵀ
    Tile<Scalar> partial;  ///< Per block of keys: greatest score, then sum of weights.
    Scalar *greatest, *sum, *rescale;
  };

  template <class Team>
  KOKKOS_FUNCTION void operator()(Team const& team) const {
    int const d = head_size(), padded = detail::round_up(d, R);
    int const tile = tiles() - 1 - team.league_rank() % tiles();  // causal: the longest first
    int const head = team.league_rank() / tiles() % in.g.heads;
    int const sequence = team.league_rank() / tiles() / in.g.heads;
    int const first = tile * lanes;
    int const present = detail::smaller(lanes, in.g.length - first);
    int const used = detail::round_up(present, L);
    Scratch const s = carve_scratch(team, *this);

    load_transposed(team, s.q, in.g.queries(in.x, sequence, head, first, lanes), lanes, d,
                    in.g.scale);
    detail::for_lanes(team, lanes, [&](int j) {
      s.greatest[j] = -Kokkos::Experimental::infinity<Scalar>::value;
      s.sum[j] = 0;
    });
    detail::zero_tile<R, L>(team, s.o, d, lanes);

    int const end = in.g.causal ? first + present : in.g.length;
    for (int key = 0; key < end; key += rows) {
      int const count = detail::round_up(detail::smaller(rows, end - key), R);
      View const view{first, key, in.g.length, in.g.causal};
      int const kv_head = head / in.g.group();
      load_rows(team, s.k, in.g.keys(in.x, sequence, kv_head, key, rows), count, padded, Scalar(1));
      load_rows(team, s.v, in.g.values(in.x, sequence, kv_head, key, rows), count, padded,
                Scalar(1));
      team.team_barrier();
      scores(team, s, view, count, used);
      team.team_barrier();
      update_greatest(team, s, count, used);
      team.team_barrier();
      weights(team, s, view, count, used);
      team.team_barrier();
      accumulate(team, s, view, count, used);
      team.team_barrier();
    }
    finish(team, s, sequence, head, first, present);
  }

  /// Zᵀ = K Qᵀ, and the greatest score of each lane in each block of keys.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void scores(Team const& team, Scratch const& s, View const& view,
                                          int count, int used) const {
    int const d = head_size();
    auto const lowest = -Kokkos::Experimental::infinity<Scalar>::value;
    detail::for_blocks<R, L>(team, count, used, [&](int i, int j) {
      RegisterBlock z;
      if (view.template sees_nothing<R, L>(i, j)) {
        for (int b = 0; b < L; ++b) s.partial(i / R, j + b) = lowest;
        return;
      }
      z.zero();
      z.add_product(s.k, s.q, i, j, 0, d);
      apply_soft_cap(z, in.g.soft_cap);
      if (!view.template sees_all<R, L>(i, j))
        z.set([&](int a, int b) { return view.sees(i + a, j + b) ? z.value[a][b] : lowest; });
      z.store(s.p, i, j);
      Scalar top[L];
      for (int b = 0; b < L; ++b) top[b] = z.value[0][b];
      for (int a = 1; a < R; ++a)
        for (int b = 0; b < L; ++b) top[b] = top[b] < z.value[a][b] ? z.value[a][b] : top[b];
      for (int b = 0; b < L; ++b) s.partial(i / R, j + b) = top[b];
    });
  }

  /// m ← max(m, greatest of the tile); what was summed up to now shrinks by e^(m_old - m).
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void update_greatest(Team const& team, Scratch const& s, int count,
                                                   int used) const {
    detail::for_lanes(team, used, [&](int j) {
      Scalar const before = s.greatest[j];
      Scalar top = before;
      for (int i = 0; i < count / R; ++i) top = top < s.partial(i, j) ? s.partial(i, j) : top;
      s.rescale[j] = fast::exp_nonpositive(before - top);
      s.greatest[j] = top;
    });
  }

  /// Pᵀ = e^(Zᵀ - m), and its sum in each block of keys.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void weights(Team const& team, Scratch const& s, View const& view,
                                           int count, int used) const {
    detail::for_blocks<R, L>(team, count, used, [&](int i, int j) {
      Scalar sum[L], top[L];
      for (int b = 0; b < L; ++b) sum[b] = 0, top[b] = s.greatest[j + b];
      if (!view.template sees_nothing<R, L>(i, j)) {
        RegisterBlock p;
        p.load(s.p, i, j);
        p.set([&](int a, int b) { return fast::exp_nonpositive(p.value[a][b] - top[b]); });
        p.store(s.p, i, j);
        for (int a = 0; a < R; ++a)
          for (int b = 0; b < L; ++b) sum[b] += p.value[a][b];
      }
      for (int b = 0; b < L; ++b) s.partial(i / R, j + b) = sum[b];
    });
  }

  /// Oᵀ ← Oᵀ e^(m_old - m) + Vᵀ Pᵀ, and l likewise.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void accumulate(Team const& team, Scratch const& s, View const& view,
                                              int count, int used) const {
    detail::for_lanes(team, used, [&](int j) {
      Scalar sum = s.sum[j] * s.rescale[j];
      for (int i = 0; i < count / R; ++i) sum += s.partial(i, j);
      s.sum[j] = sum;
    });
    detail::for_blocks<R, L>(team, head_size(), used, [&](int i, int j) {
      Scalar factor[L];
      for (int b = 0; b < L; ++b) factor[b] = s.rescale[j + b];
      RegisterBlock o;
      o.load(s.o, i, j);
      o.set([&](int a, int b) { return o.value[a][b] * factor[b]; });
      o.add_transposed_product(s.v, s.p, i, j, 0, view.template rows_end<L>(j, count));
      o.store(s.o, i, j);
    });
  }

  /// y = O/l, L = m + ln l.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void finish(Team const& team, Scratch const& s, int sequence,
                                          int head, int first, int present) const {
    detail::for_lanes(team, present, [&](int j) {
      Scalar const sum = s.sum[j];
      *in.g.statistic(in.log_sum_exp, sequence, head, first + j) = s.greatest[j] + math::log(sum);
      *in.g.statistic(in.greatest, sequence, head, first + j) = s.greatest[j];
      s.rescale[j] = 1 / sum;
    });
    team.team_barrier();
    store_rows(team, in.g.outputs(in.y, sequence, head, first, present),
               [&](int i, int e) { return s.rescale[i] * s.o(e, i); });
  }
};

}  // namespace kyrtos::layers::attention
