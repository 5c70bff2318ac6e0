// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "arguments.hpp"
#include "launch.hpp"
#include "traits.hpp"

namespace kyrtos::layers::attention {

/// Tangent forward pass: as the forward pass, but the weights P = e^(z - L) are known at once.
///
/// Tiles: Sᵀ = K Qᵀ, Ṡᵀ = K Q̇ᵀ + K̇ Qᵀ, then Ȯᵀ += Vᵀ(P∘ż)ᵀ + V̇ᵀPᵀ and μ += Σ P∘ż; in the end
/// ẏ = Ȯ - μ y.
template <class Scalar, class Space, int HeadSize, class Choice = AttentionTraits<Scalar, Space>>
struct TangentForwardKernel {
  using scalar_type = Scalar;
  using Traits = Choice;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int rows = Traits::tile_rows, lanes = Traits::tile_lanes;
  using RegisterBlock = Block<Scalar, R, L>;
  using View = Window<Along::queries>;

  TangentForwardArguments<Scalar> in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  KOKKOS_INLINE_FUNCTION int tiles() const { return (in.g.length + lanes - 1) / lanes; }
  Index teams() const { return Index(in.g.batch) * in.g.heads * tiles(); }

  struct Scratch {
    KOKKOS_INLINE_FUNCTION Scratch(detail::Carver<Scalar>& c, int d)
        : q(c.tile(d, lanes)),
          q_dot(c.tile(d, lanes)),
          k(c.tile(rows, detail::round_up(d, R))),
          k_dot(c.tile(rows, detail::round_up(d, R))),
          v(c.tile(rows, detail::round_up(d, R))),
          v_dot(c.tile(rows, detail::round_up(d, R))),
          p(c.tile(rows, lanes)),
          p_z_dot(c.tile(rows, lanes)),
          o_dot(c.tile(detail::round_up(d, R), lanes)),
          partial(c.tile(rows / R, lanes)),
          log_sum_exp(c.take(lanes)),
          mean_dot(c.take(lanes)) {}
    Tile<Scalar> q, q_dot;            ///< Qᵀ/√D, Q̇ᵀ/√D
    Tile<Scalar> k, k_dot, v, v_dot;  ///< as in memory
    Tile<Scalar> p, p_z_dot;          ///< Pᵀ, (P∘ż)ᵀ
    Tile<Scalar> o_dot;               ///< Ȯᵀ
    Tile<Scalar> partial;             ///< Per block of keys: Σ P∘ż.
    Scalar *log_sum_exp, *mean_dot;   ///< L, μ
  };

  template <class Team>
  KOKKOS_FUNCTION void operator()(Team const& team) const {
    int const d = head_size(), padded = detail::round_up(d, R);
    int const tile = tiles() - 1 - team.league_rank() % tiles();  // causal: the longest first
    int const head = team.league_rank() / tiles() % in.g.heads;
    int const kv_head = head / in.g.group();
    int const sequence = team.league_rank() / tiles() / in.g.heads;
    int const first = tile * lanes;
    int const present = detail::smaller(lanes, in.g.length - first);
    int const used = detail::round_up(present, L);
    Scratch const s = carve_scratch(team, *this);

    load_transposed(team, s.q, in.g.queries(in.x, sequence, head, first, lanes), lanes, d,
                    in.g.scale);
    load_transposed(team, s.q_dot, in.g.queries(in.x_dot, sequence, head, first, lanes), lanes, d,
                    in.g.scale);
    load_statistic(team, s.log_sum_exp, in.g, in.log_sum_exp, sequence, head, first, lanes,
                   Kokkos::Experimental::infinity<Scalar>::value);
    detail::for_lanes(team, lanes, [&](int j) { s.mean_dot[j] = 0; });
    detail::zero_tile<R, L>(team, s.o_dot, d, lanes);

    int const end = in.g.causal ? first + present : in.g.length;
    for (int key = 0; key < end; key += rows) {
      int const count = detail::round_up(detail::smaller(rows, end - key), R);
      View const view{first, key, in.g.length, in.g.causal};
      Scalar const one = 1;
      load_rows(team, s.k, in.g.keys(in.x, sequence, kv_head, key, rows), count, padded, one);
      load_rows(team, s.k_dot, in.g.keys(in.x_dot, sequence, kv_head, key, rows), count, padded,
                one);
      load_rows(team, s.v, in.g.values(in.x, sequence, kv_head, key, rows), count, padded, one);
      load_rows(team, s.v_dot, in.g.values(in.x_dot, sequence, kv_head, key, rows), count, padded,
                one);
      team.team_barrier();
      weights(team, s, view, count, used);
      team.team_barrier();
      accumulate(team, s, view, count, used);
      team.team_barrier();
    }
    finish(team, s, sequence, head, first, present);
  }

  /// Pᵀ, (P∘ż)ᵀ, and the sum of the latter in each block of keys.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void weights(Team const& team, Scratch const& s, View const& view,
                                           int count, int used) const {
    int const d = head_size();
    detail::for_blocks<R, L>(team, count, used, [&](int i, int j) {
      Scalar sum[L], log_sum[L];
      for (int b = 0; b < L; ++b) sum[b] = 0, log_sum[b] = s.log_sum_exp[j + b];
      if (!view.template sees_nothing<R, L>(i, j)) {
        RegisterBlock z, z_dot, p;
        z.zero();
        z.add_product(s.k, s.q, i, j, 0, d);
        z_dot.zero();
        z_dot.add_product(s.k, s.q_dot, i, j, 0, d);
        z_dot.add_product(s.k_dot, s.q, i, j, 0, d);
        apply_soft_cap(z, z_dot, in.g.soft_cap);
        p.set([&](int a, int b) { return fast::exp_nonpositive(z.value[a][b] - log_sum[b]); });
        hide(p, view, i, j);
        p.store(s.p, i, j);
        z_dot.set([&](int a, int b) { return p.value[a][b] * z_dot.value[a][b]; });
        z_dot.store(s.p_z_dot, i, j);
        for (int a = 0; a < R; ++a)
          for (int b = 0; b < L; ++b) sum[b] += z_dot.value[a][b];
      }
      for (int b = 0; b < L; ++b) s.partial(i / R, j + b) = sum[b];
    });
  }

  /// Ȯᵀ += Vᵀ(P∘ż)ᵀ + V̇ᵀPᵀ, μ += Σ P∘ż.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void accumulate(Team const& team, Scratch const& s, View const& view,
                                              int count, int used) const {
    detail::for_lanes(team, used, [&](int j) {
      Scalar sum = s.mean_dot[j];
      for (int i = 0; i < count / R; ++i) sum += s.partial(i, j);
      s.mean_dot[j] = sum;
    });
    detail::for_blocks<R, L>(team, head_size(), used, [&](int i, int j) {
      int const end = view.template rows_end<L>(j, count);
      RegisterBlock o_dot;
      o_dot.load(s.o_dot, i, j);
      o_dot.add_transposed_product(s.v, s.p_z_dot, i, j, 0, end);
      o_dot.add_transposed_product(s.v_dot, s.p, i, j, 0, end);
      o_dot.store(s.o_dot, i, j);
    });
  }

  /// ẏ = Ȯ - μ y, and μ for the tangent backward pass.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void finish(Team const& team, Scratch const& s, int sequence,
                                          int head, int first, int present) const {
    detail::for_lanes(team, present, [&](int j) {
      *in.g.statistic(in.mean_dot, sequence, head, first + j) = s.mean_dot[j];
    });
    auto const out = in.g.outputs(in.y, sequence, head, first, present);
    store_rows(team, in.g.outputs(in.y_dot, sequence, head, first, present), [&](int i, int e) {
      return s.o_dot(e, i) - s.mean_dot[i] * out.data[i * out.stride + e];
    });
  }
};

}  // namespace kyrtos::layers::attention
