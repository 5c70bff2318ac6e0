// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "arguments.hpp"
#include "backward_operands.hpp"

/// \file
/// \brief One tile of pairs of the tangent backward pass: P, Ṗ, dS and dṠ.
///
/// The tangent of backward_tile.hpp: Ṡ = Q̇Kᵀ + QK̇ᵀ, dṖ = dȮVᵀ + dO V̇ᵀ, ż = Z'∘Ṡ, Ṗ = P∘(ż - μ),
/// dz = P∘(dP - D), dż = Ṗ∘(dP - D) + P∘(dṖ - Ḋ), dS = Z'∘dz, dṠ = Z'∘dż + Z''∘Ṡ∘dz, the last term
/// being -2 Z/c² ∘ ż ∘ dz.

namespace kyrtos::layers::attention {

template <class Scalar, Along lanes, class Traits>
struct TangentBackwardTile {
  using Arguments = TangentBackwardArguments<Scalar>;
  using RegisterBlock = BlockOf<Scalar, Traits>;
  using Vector = typename RegisterBlock::Vector;
  static constexpr int fused_products = 12, split_products = 18;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;
  static constexpr int queries = lanes == Along::queries ? tile_lanes : tile_rows;

  BackwardOperands<Scalar, lanes, Traits> of, of_dot;
  Tile<Scalar> p, p_dot, ds, ds_dot;                       ///< [rows, lanes]
  Scalar *log_sum_exp, *mean_dot, *row_sum, *row_sum_dot;  ///< of the tile's queries

  KOKKOS_INLINE_FUNCTION TangentBackwardTile(detail::ScratchAllocator<Scalar>& c, int d, bool fused)
      : of(c, d, fused),
        of_dot(c, d, fused),
        p(lanes == Along::keys ? c.tile(tile_rows, tile_lanes) : Tile<Scalar>()),
        p_dot(lanes == Along::keys ? c.tile(tile_rows, tile_lanes) : Tile<Scalar>()),
        ds(c.tile(tile_rows, tile_lanes)),
        ds_dot(c.tile(tile_rows, tile_lanes)),
        log_sum_exp(c.take(queries)),
        mean_dot(c.take(queries)),
        row_sum(c.take(queries)),
        row_sum_dot(c.take(queries)) {}

  /// Where the gradients go, packed as x.
  KOKKOS_FORCEINLINE_FUNCTION static Scalar* result(Arguments const& in) { return in.dx_dot; }

  /// `at` is of a key head with keys along the lanes, else of a query head.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_resident(Team const& team, Arguments const& in,
                                                 TileStart at, int d) const {
    of.load_resident(team, in.g, in.x, in.dy, at, d);
    of_dot.load_resident(team, in.g, in.x_dot, in.dy_dot, at, d);
    if (lanes == Along::queries) load_statistics(team, in, at);
  }
  /// `count` rows.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_streamed(Team const& team, Arguments const& in,
                                                 TileStart at, int count) const {
    of.load_streamed(team, in.g, in.x, in.dy, at, count);
    of_dot.load_streamed(team, in.g, in.x_dot, in.dy_dot, at, count);
    if (lanes == Along::keys) load_statistics(team, in, at);
  }

  /// P, Ṗ, dS and dṠ, all zero for masked pairs.
  template <class Team>
  KYRTOS_KERNEL_STEP void compute(Team const& team, ScoreTile<lanes> const& tile, Scalar soft_cap,
                                  int d) const {
    TangentBackwardTile const& t = *this;
    detail::for_blocks<RegisterBlock>(team, tile.rows, tile.lanes, [&](int i, int j) {
      if (tile.mask.template fully_masked<R, L>(i, j)) return;
      auto const of_query = [&](Scalar const* statistic, int a, int v) {
        return of_queries<lanes, Vector>(statistic, i + a, j + RegisterBlock::lane(v));
      };
      RegisterBlock z, z_dot, weight, weight_dot;
      z.zero();
      z.add_product(t.of.streamed_qk, t.of.resident_qk, i, j, 0, d);
      z_dot.zero();
      z_dot.add_product(t.of.streamed_qk, t.of_dot.resident_qk, i, j, 0, d);
      z_dot.add_product(t.of_dot.streamed_qk, t.of.resident_qk, i, j, 0, d);
      apply_soft_cap(z, z_dot, soft_cap);
      weight.set([&](int a, int v) {
        return fast::exp_nonpositive(z.value[a][v] - of_query(t.log_sum_exp, a, v));
      });
      tile.mask.apply(weight, i, j, Scalar(0));
      weight_dot.set([&](int a, int v) {
        return weight.value[a][v] * (z_dot.value[a][v] - of_query(t.mean_dot, a, v));
      });
      if (lanes == Along::keys) {
        weight.store(t.p, i, j);
        weight_dot.store(t.p_dot, i, j);
      }

      RegisterBlock gradient, gradient_dot;
      gradient.zero();
      gradient.add_product(t.of.streamed_ov, t.of.resident_ov, i, j, 0, d);
      gradient_dot.zero();
      gradient_dot.add_product(t.of.streamed_ov, t.of_dot.resident_ov, i, j, 0, d);
      gradient_dot.add_product(t.of_dot.streamed_ov, t.of.resident_ov, i, j, 0, d);
      gradient.set([&](int a, int v) { return gradient.value[a][v] - of_query(t.row_sum, a, v); });
      gradient_dot.set([&](int a, int v) {
        Vector const change = gradient_dot.value[a][v] - of_query(t.row_sum_dot, a, v);
        return weight_dot.value[a][v] * gradient.value[a][v] + weight.value[a][v] * change;
      });
      gradient.set([&](int a, int v) { return weight.value[a][v] * gradient.value[a][v]; });
      if (soft_cap > 0) {
        Scalar const inverse = 1 / soft_cap;
        gradient_dot.set([&](int a, int v) {
          Vector const ratio = inverse * z.value[a][v];
          Vector const bend = -2 * inverse * ratio * z_dot.value[a][v];
          return (1 - ratio * ratio) * gradient_dot.value[a][v] + bend * gradient.value[a][v];
        });
        gradient.set([&](int a, int v) {
          Vector const ratio = inverse * z.value[a][v];
          return (1 - ratio * ratio) * gradient.value[a][v];
        });
      }
      gradient.store(t.ds, i, j);
      gradient_dot.store(t.ds_dot, i, j);
    });
  }

  /// dK̇ᵀ += Qᵀ dṠ + Q̇ᵀ dS with keys along the lanes, else dQ̇ᵀ += Kᵀ dṠᵀ + K̇ᵀ dSᵀ.
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_resident_qk(RegisterBlock& sum, int i, int j,
                                                          int begin, int end) const {
    sum.add_transposed_product(of.streamed_qk, ds_dot, i, j, begin, end);
    sum.add_transposed_product(of_dot.streamed_qk, ds, i, j, begin, end);
  }
  /// With keys along the lanes dV̇ᵀ += dOᵀ Ṗ + dȮᵀ P.
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_dv(RegisterBlock& sum, int i, int j, int begin,
                                                 int end) const {
    sum.add_transposed_product(of.streamed_ov, p_dot, i, j, begin, end);
    sum.add_transposed_product(of_dot.streamed_ov, p, i, j, begin, end);
  }
  /// With keys along the lanes, if fused: dQ̇ += dṠ K + dS K̇.
  KOKKOS_FORCEINLINE_FUNCTION void accumulate_streamed_dq(RegisterBlock& sum, int i, int j,
                                                          int begin, int end) const {
    sum.add_product(ds_dot, of.k, i, j, begin, end);
    sum.add_product(ds, of_dot.k, i, j, begin, end);
  }

 private:
  /// L = ∞ for a query that does not exist, so that its weights are 0.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_statistics(Team const& team, Arguments const& in,
                                                   TileStart at) const {
    auto const load = [&](Scalar* to, Scalar const* from, Scalar filler) {
      load_statistic(team, to, in.g, from, at, queries, filler);
    };
    load(log_sum_exp, in.log_sum_exp, Kokkos::Experimental::infinity<Scalar>::value);
    load(mean_dot, in.mean_dot, Scalar(0));
    load(row_sum, in.row_sum, Scalar(0));
    load(row_sum_dot, in.row_sum_dot, Scalar(0));
  }
};

}  // namespace kyrtos::layers::attention
