// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "arguments.hpp"

/// \file
/// \brief One tile of pairs of the tangent backward pass: P, Ṗ, dS and dṠ.
///
/// The tangent of gradient_tile.hpp, in the same terms: Ṡ = Ȧ₁B₁ + A₁Ḃ₁, dṖ = Ȧ₂B₂ + A₂Ḃ₂,
/// ż = Z'∘Ṡ, Ṗ = P∘(ż - μ), dz = P∘(dP - D), dż = Ṗ∘(dP - D) + P∘(dṖ - Ḋ), dS = Z'∘dz,
/// dṠ = Z'∘dż + Z''∘Ṡ∘dz, the last term being -2 Z/c² ∘ ż ∘ dz.

namespace kyrtos::layers::attention {

template <class Scalar, Along lanes, class Traits>
struct TangentGradientTile {
  using Arguments = TangentBackwardArguments<Scalar>;
  using RegisterBlock = Block<Scalar, Traits::block_rows, Traits::block_lanes>;
  using View = Window<lanes>;
  static constexpr int R = Traits::block_rows, L = Traits::block_lanes;
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;
  static constexpr int queries = lanes == Along::queries ? tile_lanes : tile_rows;

  Tile<Scalar> a1, a2, a1_dot, a2_dot;  ///< [rows, D] as in memory
  Tile<Scalar> b1, b2, b1_dot, b2_dot;  ///< [D, lanes]
  Tile<Scalar> p, p_dot, ds, ds_dot;    ///< [rows, lanes]
  Tile<Scalar> k, k_dot;  ///< K/√D, K̇/√D as in memory, for dQ̇ in a single sweep
  Scalar *log_sum_exp, *mean_dot, *row_sum, *row_sum_dot;  ///< of the tile's queries

  KOKKOS_INLINE_FUNCTION TangentGradientTile(detail::Carver<Scalar>& c, int d, bool single_sweep)
      : a1(c.tile(tile_rows, detail::round_up(d, R))),
        a2(c.tile(tile_rows, detail::round_up(d, R))),
        a1_dot(c.tile(tile_rows, detail::round_up(d, R))),
        a2_dot(c.tile(tile_rows, detail::round_up(d, R))),
        b1(c.tile(d, tile_lanes)),
        b2(c.tile(d, tile_lanes)),
        b1_dot(c.tile(d, tile_lanes)),
        b2_dot(c.tile(d, tile_lanes)),
        p(lanes == Along::keys ? c.tile(tile_rows, tile_lanes) : Tile<Scalar>()),
        p_dot(lanes == Along::keys ? c.tile(tile_rows, tile_lanes) : Tile<Scalar>()),
        ds(c.tile(tile_rows, tile_lanes)),
        ds_dot(c.tile(tile_rows, tile_lanes)),
        k(single_sweep ? c.tile(tile_lanes, detail::round_up(d, L)) : Tile<Scalar>()),
        k_dot(single_sweep ? c.tile(tile_lanes, detail::round_up(d, L)) : Tile<Scalar>()),
        log_sum_exp(c.take(queries)),
        mean_dot(c.take(queries)),
        row_sum(c.take(queries)),
        row_sum_dot(c.take(queries)) {}

  /// Where the sweep's results go, packed as x.
  KOKKOS_FORCEINLINE_FUNCTION static Scalar* result(Arguments const& in) { return in.dx_dot; }

  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_lanes(Team const& team, Arguments const& in, int sequence,
                                              int head, int first, int d) const {
    auto const& g = in.g;
    int const n = tile_lanes;
    Scalar const one = 1;
    if constexpr (lanes == Along::keys) {
      load_transposed(team, b1, g.keys(in.x, sequence, head, first, n), n, d, one);
      load_transposed(team, b2, g.values(in.x, sequence, head, first, n), n, d, one);
      load_transposed(team, b1_dot, g.keys(in.x_dot, sequence, head, first, n), n, d, one);
      load_transposed(team, b2_dot, g.values(in.x_dot, sequence, head, first, n), n, d, one);
      if (k.data != nullptr) {
        load_rows(team, k, g.keys(in.x, sequence, head, first, n), n, k.stride, g.scale);
        load_rows(team, k_dot, g.keys(in.x_dot, sequence, head, first, n), n, k.stride, g.scale);
      }
    } else {
      load_transposed(team, b1, g.queries(in.x, sequence, head, first, n), n, d, g.scale);
      load_transposed(team, b2, g.outputs(in.dy, sequence, head, first, n), n, d, one);
      load_transposed(team, b1_dot, g.queries(in.x_dot, sequence, head, first, n), n, d, g.scale);
      load_transposed(team, b2_dot, g.outputs(in.dy_dot, sequence, head, first, n), n, d, one);
      load_statistics(team, in, sequence, head, first);
    }
  }

  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_streamed(Team const& team, Arguments const& in,
                                                 int sequence, int head, int first,
                                                 int count) const {
    auto const& g = in.g;
    int const n = tile_rows, width = a1.stride;
    Scalar const one = 1;
    if constexpr (lanes == Along::keys) {
      load_rows(team, a1, g.queries(in.x, sequence, head, first, n), count, width, g.scale);
      load_rows(team, a2, g.outputs(in.dy, sequence, head, first, n), count, width, one);
      load_rows(team, a1_dot, g.queries(in.x_dot, sequence, head, first, n), count, width, g.scale);
      load_rows(team, a2_dot, g.outputs(in.dy_dot, sequence, head, first, n), count, width, one);
      load_statistics(team, in, sequence, head, first);
    } else {
      load_rows(team, a1, g.keys(in.x, sequence, head, first, n), count, width, one);
      load_rows(team, a2, g.values(in.x, sequence, head, first, n), count, width, one);
      load_rows(team, a1_dot, g.keys(in.x_dot, sequence, head, first, n), count, width, one);
      load_rows(team, a2_dot, g.values(in.x_dot, sequence, head, first, n), count, width, one);
    }
  }

  /// P, Ṗ, dS and dṠ, all zero for pairs that do not see each other.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void compute(Team const& team, View const& view, Scalar soft_cap,
                                           int d, int count, int used) const {
    TangentGradientTile const& t = *this;
    detail::for_blocks<R, L>(team, count, used, [&](int i, int j) {
      if (view.template sees_nothing<R, L>(i, j)) return;
      auto const query = [&](int a, int b) { return lanes == Along::queries ? j + b : i + a; };
      RegisterBlock z, z_dot, weight, weight_dot;
      z.zero();
      z.add_product(t.a1, t.b1, i, j, 0, d);
      z_dot.zero();
      z_dot.add_product(t.a1, t.b1_dot, i, j, 0, d);
      z_dot.add_product(t.a1_dot, t.b1, i, j, 0, d);
      apply_soft_cap(z, z_dot, soft_cap);
      weight.set([&](int a, int b) {
        return fast::exp_nonpositive(z.value[a][b] - t.log_sum_exp[query(a, b)]);
      });
      hide(weight, view, i, j);
      weight_dot.set([&](int a, int b) {
        return weight.value[a][b] * (z_dot.value[a][b] - t.mean_dot[query(a, b)]);
      });
      if (lanes == Along::keys) {
        weight.store(t.p, i, j);
        weight_dot.store(t.p_dot, i, j);
      }

      RegisterBlock gradient, gradient_dot;
      gradient.zero();
      gradient.add_product(t.a2, t.b2, i, j, 0, d);
      gradient_dot.zero();
      gradient_dot.add_product(t.a2, t.b2_dot, i, j, 0, d);
      gradient_dot.add_product(t.a2_dot, t.b2, i, j, 0, d);
      gradient.set([&](int a, int b) { return gradient.value[a][b] - t.row_sum[query(a, b)]; });
      gradient_dot.set([&](int a, int b) {
        Scalar const change = gradient_dot.value[a][b] - t.row_sum_dot[query(a, b)];
        return weight_dot.value[a][b] * gradient.value[a][b] + weight.value[a][b] * change;
      });
      gradient.set([&](int a, int b) { return weight.value[a][b] * gradient.value[a][b]; });
      if (soft_cap > 0) {
        Scalar const inverse = 1 / soft_cap;
        gradient_dot.set([&](int a, int b) {
          Scalar const ratio = inverse * z.value[a][b];
          Scalar const bend = -2 * inverse * ratio * z_dot.value[a][b];
          return (1 - ratio * ratio) * gradient_dot.value[a][b] + bend * gradient.value[a][b];
        });
        gradient.set([&](int a, int b) {
          Scalar const ratio = inverse * z.value[a][b];
          return (1 - ratio * ratio) * gradient.value[a][b];
        });
      }
      gradient.store(t.ds, i, j);
      gradient_dot.store(t.ds_dot, i, j);
    });
  }

  /// Along keys dK̇ᵀ += Qᵀ dṠ + Q̇ᵀ dS, along queries dQ̇ᵀ += Kᵀ dṠᵀ + K̇ᵀ dSᵀ.
  KOKKOS_FORCEINLINE_FUNCTION void add_first(RegisterBlock& sum, int i, int j, int begin,
                                             int end) const {
    sum.add_transposed_product(a1, ds_dot, i, j, begin, end);
    sum.add_transposed_product(a1_dot, ds, i, j, begin, end);
  }
  /// Along keys dV̇ᵀ += dOᵀ Ṗ + dȮᵀ P.
  KOKKOS_FORCEINLINE_FUNCTION void add_second(RegisterBlock& sum, int i, int j, int begin,
                                              int end) const {
    sum.add_transposed_product(a2, p_dot, i, j, begin, end);
    sum.add_transposed_product(a2_dot, p, i, j, begin, end);
  }
  /// Along keys, in a single sweep: dQ̇ += dṠ K + dS K̇.
  KOKKOS_FORCEINLINE_FUNCTION void add_across(RegisterBlock& sum, int i, int j, int end) const {
    sum.add_product(ds_dot, k, i, j, 0, end);
    sum.add_product(ds, k_dot, i, j, 0, end);
  }

 private:
  /// L = ∞ for a query that does not exist, so that its weights are 0.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void load_statistics(Team const& team, Arguments const& in,
                                                   int sequence, int head, int first) const {
    auto const load = [&](Scalar* to, Scalar const* from, Scalar filler) {
      load_statistic(team, to, in.g, from, sequence, head, first, queries, filler);
    };
    load(log_sum_exp, in.log_sum_exp, Kokkos::Experimental::infinity<Scalar>::value);
    load(mean_dot, in.mean_dot, Scalar(0));
    load(row_sum, in.row_sum, Scalar(0));
    load(row_sum_dot, in.row_sum_dot, Scalar(0));
  }
};

}  // namespace kyrtos::layers::attention
