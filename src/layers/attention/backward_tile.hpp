// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "arguments.hpp"
#include "backward_operands.hpp"

/// \file
/// \brief One tile of pairs of the backward pass: P = e^(Z - L) and dS = Z'∘P∘(dP - D).

namespace kyrtos::layers::attention {

template <class Scalar, Along lanes, class Traits>
struct BackwardTile {
  using Arguments = BackwardArguments<Scalar>;
  using RegisterBlock = BlockOf<Scalar, Traits>;
  using Vector = typename RegisterBlock::Vector;
  static constexpr int fused_products = 5, split_products = 7;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;
  static constexpr int queries = lanes == Along::queries ? tile_lanes : tile_rows;

  BackwardOperands<Scalar, lanes, Traits> of;
  Tile<Scalar> p, ds;             ///< [rows, lanes]
  Scalar *log_sum_exp, *row_sum;  ///< L and D of the tile's queries

  KOKKOS_INLINE_FUNCTION BackwardTile(detail::ScratchAllocator<Scalar>& c, int d, bool fused)
      : of(c, d, fused),
        p(lanes == Along::keys ? c.tile(tile_rows, tile_lanes) : Tile<Scalar>()),
        ds(c.tile(tile_rows, tile_lanes)),
        log_sum_exp(c.take(queries)),
        row_sum(c.take(queries)) {}

  /// Where the gradients go, packed as x.
  KOKKOS_FORCEINLINE_FUNCTION static Scalar* result(Arguments const& in) { return in.dx; }

  /// `at` is of a key head with keys along the lanes, else of a query head.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_resident(Team const& team, Arguments const& in,
                                                 TileStart at, int d) const {
    of.load_resident(team, in.g, in.x, in.dy, at, d);
    if (lanes == Along::queries) load_statistics(team, in, at);
  }
  /// `count` rows.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_streamed(Team const& team, Arguments const& in,
                                                 TileStart at, int count) const {
    of.load_streamed(team, in.g, in.x, in.dy, at, count);
    if (lanes == Along::keys) load_statistics(team, in, at);
  }

  /// P and dS, both zero for masked pairs.
  template <class Team>
  KYRTOS_KERNEL_STEP void compute(Team const& team, ScoreTile<lanes> const& tile, Scalar soft_cap,
                                  int d) const {
    BackwardTile const& t = *this;
    detail::for_blocks<RegisterBlock>(team, tile.rows, tile.lanes, [&](int i, int j) {
      if (tile.mask.template fully_masked<R, L>(i, j)) return;
      RegisterBlock z, weight, gradient;
      z.zero();
      z.add_product(t.of.streamed_qk, t.of.resident_qk, i, j, 0, d);
      gradient.zero();
      gradient.add_product(t.of.streamed_ov, t.of.resident_ov, i, j, 0, d);
      apply_soft_cap(z, soft_cap);
      auto const of_query = [&](Scalar const* statistic, int a, int v) {
        return of_queries<lanes, Vector>(statistic, i + a, j + z.lane(v));
      };
      weight.set([&](int a, int v) {
        return fast::exp_nonpositive(z.value[a][v] - of_query(t.log_sum_exp, a, v));
      });
      tile.mask.apply(weight, i, j, Scalar(0));
      gradient.set([&](int a, int v) {
        return weight.value[a][v] * (gradient.value[a][v] - of_query(t.row_sum, a, v));
      });
      if (soft_cap > 0) {
        Scalar const inverse = 1 / soft_cap;
        gradient.set([&](int a, int v) {
          Vector const ratio = inverse * z.value[a][v];
          return (1 - ratio * ratio) * gradient.value[a][v];
        });
      }
      if (lanes == Along::keys) weight.store(t.p, i, j);
      gradient.store(t.ds, i, j);
    });
  }

  /// dKᵀ += Qᵀ dS with keys along the lanes, else dQᵀ += Kᵀ dSᵀ, over rows [begin, end).
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_resident_qk(RegisterBlock& sum, int i, int j,
                                                          int begin, int end) const {
    sum.add_transposed_product(of.streamed_qk, ds, i, j, begin, end);
  }
  /// With keys along the lanes dVᵀ += dOᵀ P.
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_dv(RegisterBlock& sum, int i, int j, int begin,
                                                 int end) const {
    sum.add_transposed_product(of.streamed_ov, p, i, j, begin, end);
  }
  /// With keys along the lanes, if fused: dQ += dS K over lanes [begin, end).
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_streamed_dq(RegisterBlock& sum, int i, int j,
                                                          int begin, int end) const {
    sum.add_product(ds, of.k, i, j, begin, end);
  }

 private:
  /// L = ∞ for a query that does not exist, so that its weights are 0.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_statistics(Team const& team, Arguments const& in,
                                                   TileStart at) const {
    load_statistic(team, log_sum_exp, in.g, in.log_sum_exp, at, queries,
                   Kokkos::Experimental::infinity<Scalar>::value);
    load_statistic(team, row_sum, in.g, in.row_sum, at, queries, Scalar(0));
  }
};

}  // namespace kyrtos::layers::attention
