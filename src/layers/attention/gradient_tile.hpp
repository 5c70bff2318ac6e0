// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "arguments.hpp"

/// \file
/// \brief One tile of pairs of the backward pass: P and dS.
///
/// Z = A₁B₁ and dP = A₂B₂, where A₁, A₂ are the rows that stream past (queries and dO, or keys and
/// values) and B₁, B₂ the transposed tiles that stay (keys and values, or queries and dO); then
/// P = e^(Z - L), dS = Z'∘P∘(dP - D). Queries carry the factor 1/√D, so that Z needs none and
/// what is gathered from them (dK) has it already.

namespace kyrtos::layers::attention {

template <class Scalar, Along lanes, class Traits>
struct GradientTile {
  using Arguments = BackwardArguments<Scalar>;
  using RegisterBlock = Block<Scalar, Traits::block_rows, Traits::block_lanes>;
  using View = Window<lanes>;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;
  static constexpr int queries = lanes == Along::queries ? tile_lanes : tile_rows;

  Tile<Scalar> a1, a2;            ///< [rows, D] as in memory
  Tile<Scalar> b1, b2;            ///< [D, lanes]
  Tile<Scalar> p, ds;             ///< [rows, lanes]
  Tile<Scalar> k;                 ///< K/√D as in memory, for dQ in a single sweep
  Scalar *log_sum_exp, *row_sum;  ///< L and D of the tile's queries

  KOKKOS_INLINE_FUNCTION GradientTile(detail::Carver<Scalar>& c, int d, bool single_sweep)
      : a1(c.tile(tile_rows, detail::round_up(d, R))),
        a2(c.tile(tile_rows, detail::round_up(d, R))),
        b1(c.tile(d, tile_lanes)),
        b2(c.tile(d, tile_lanes)),
        p(lanes == Along::keys ? c.tile(tile_rows, tile_lanes) : Tile<Scalar>()),
        ds(c.tile(tile_rows, tile_lanes)),
        k(single_sweep ? c.tile(tile_lanes, detail::round_up(d, L)) : Tile<Scalar>()),
        log_sum_exp(c.take(queries)),
        row_sum(c.take(queries)) {}

  /// Where the sweep's results go, packed as x.
  KOKKOS_FORCEINLINE_FUNCTION static Scalar* result(Arguments const& in) { return in.dx; }

  /// The tile that stays: `head` is a key head or a query head.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_lanes(Team const& team, Arguments const& in, int sequence,
                                              int head, int first, int d) const {
    auto const& g = in.g;
    int const n = tile_lanes;
    Scalar const one = 1;
    if constexpr (lanes == Along::keys) {
      load_transposed(team, b1, g.keys(in.x, sequence, head, first, n), n, d, one);
      load_transposed(team, b2, g.values(in.x, sequence, head, first, n), n, d, one);
      if (k.data != nullptr)
        load_rows(team, k, g.keys(in.x, sequence, head, first, n), n, k.stride, g.scale);
    } else {
      load_transposed(team, b1, g.queries(in.x, sequence, head, first, n), n, d, g.scale);
      load_transposed(team, b2, g.outputs(in.dy, sequence, head, first, n), n, d, one);
      load_statistics(team, in, sequence, head, first);
    }
  }

  /// A tile that streams past, `count` rows of it.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_streamed(Team const& team, Arguments const& in,
                                                 int sequence, int head, int first,
                                                 int count) const {
    auto const& g = in.g;
    int const n = tile_rows;
    Scalar const one = 1;
    if constexpr (lanes == Along::keys) {
      load_rows(team, a1, g.queries(in.x, sequence, head, first, n), count, a1.stride, g.scale);
      load_rows(team, a2, g.outputs(in.dy, sequence, head, first, n), count, a2.stride, one);
      load_statistics(team, in, sequence, head, first);
    } else {
      load_rows(team, a1, g.keys(in.x, sequence, head, first, n), count, a1.stride, one);
      load_rows(team, a2, g.values(in.x, sequence, head, first, n), count, a2.stride, one);
    }
  }

  /// P and dS, both zero for pairs that do not see each other.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void compute(Team const& team, View const& view, Scalar soft_cap,
                                           int d, int count, int used) const {
    GradientTile const& t = *this;
    detail::for_blocks<R, L>(team, count, used, [&](int i, int j) {
      if (view.template sees_nothing<R, L>(i, j)) return;
      RegisterBlock z, weight, gradient;
      z.zero();
      z.add_product(t.a1, t.b1, i, j, 0, d);
      gradient.zero();
      gradient.add_product(t.a2, t.b2, i, j, 0, d);
      apply_soft_cap(z, soft_cap);
      auto const query = [&](int a, int b) { return lanes == Along::queries ? j + b : i + a; };
      weight.set([&](int a, int b) {
        return fast::exp_nonpositive(z.value[a][b] - t.log_sum_exp[query(a, b)]);
      });
      hide(weight, view, i, j);
      gradient.set([&](int a, int b) {
        return weight.value[a][b] * (gradient.value[a][b] - t.row_sum[query(a, b)]);
      });
      if (soft_cap > 0) {
        Scalar const inverse = 1 / soft_cap;
        gradient.set([&](int a, int b) {
          Scalar const ratio = inverse * z.value[a][b];
          return (1 - ratio * ratio) * gradient.value[a][b];
        });
      }
      if (lanes == Along::keys) weight.store(t.p, i, j);
      gradient.store(t.ds, i, j);
    });
  }

  /// Along keys dKᵀ += Qᵀ dS, along queries dQᵀ += Kᵀ dSᵀ, over rows [begin, end).
  KOKKOS_FORCEINLINE_FUNCTION void add_first(RegisterBlock& sum, int i, int j, int begin,
                                             int end) const {
    sum.add_transposed_product(a1, ds, i, j, begin, end);
  }
  /// Along keys dVᵀ += dOᵀ P.
  KOKKOS_FORCEINLINE_FUNCTION void add_second(RegisterBlock& sum, int i, int j, int begin,
                                              int end) const {
    sum.add_transposed_product(a2, p, i, j, begin, end);
  }
  /// Along keys, in a single sweep: dQ += dS K over lanes [0, end).
  KOKKOS_FORCEINLINE_FUNCTION void add_across(RegisterBlock& sum, int i, int j, int end) const {
    sum.add_product(ds, k, i, j, 0, end);
  }

 private:
  /// L = ∞ for a query that does not exist, so that its weights are 0.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_statistics(Team const& team, Arguments const& in,
                                                   int sequence, int head, int first) const {
    load_statistic(team, log_sum_exp, in.g, in.log_sum_exp, sequence, head, first, queries,
                   Kokkos::Experimental::infinity<Scalar>::value);
    load_statistic(team, row_sum, in.g, in.row_sum, sequence, head, first, queries, Scalar(0));
  }
};

}  // namespace kyrtos::layers::attention
