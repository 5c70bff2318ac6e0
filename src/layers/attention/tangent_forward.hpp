// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "arguments.hpp"
#include "forward_operands.hpp"
#include "launch.hpp"
#include "query_tiles.hpp"
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
  static constexpr int tile_rows = Traits::tile_rows, tile_lanes = Traits::tile_lanes;
  using RegisterBlock = BlockOf<Scalar, Traits>;
  using RegisterRow = RowOf<Scalar, Traits>;
  using Vector = typename RegisterBlock::Vector;
  using Scores = ScoreTile<Along::queries>;

  TangentForwardArguments<Scalar> in;
  int scratch_level = 0;  ///< Set by launch().

  KOKKOS_INLINE_FUNCTION int head_size() const { return HeadSize > 0 ? HeadSize : in.g.head_size; }
  Index teams() const { return query_tiles<Traits>(in.g); }

  struct Scratch {
    KOKKOS_INLINE_FUNCTION Scratch(detail::ScratchAllocator<Scalar>& c, int d)
        : x(c, d),
          x_dot(c, d),
          p(c.tile(tile_rows, tile_lanes)),
          p_z_dot(c.tile(tile_rows, tile_lanes)),
          o_dot(c.tile(detail::round_up(d, R), tile_lanes)),
          partial(c.tile(tile_rows / R, tile_lanes)),
          log_sum_exp(c.take(tile_lanes)),
          mean_dot(c.take(tile_lanes)) {}
    ForwardOperands<Scalar, Traits> x, x_dot;
    Tile<Scalar> p, p_z_dot;         ///< Pᵀ, (P∘ż)ᵀ
    Tile<Scalar> o_dot;              ///< Ȯᵀ
    Tile<Scalar> partial;            ///< Per block of keys: Σ P∘ż.
    Scalar *log_sum_exp, *mean_dot;  ///< L, μ
  };

  template <class Team>
  KOKKOS_FUNCTION void operator()(Team const& team) const {
    auto const queries = query_tile<Traits>(in.g, team.league_rank());
    Scratch const s = allocate_scratch(team, *this);
    s.x.load_queries(team, in.g, in.x, queries.start, head_size());
    s.x_dot.load_queries(team, in.g, in.x_dot, queries.start, head_size());
    load_statistic(team, s.log_sum_exp, in.g, in.log_sum_exp, queries.start, tile_lanes,
                   Kokkos::Experimental::infinity<Scalar>::value);
    detail::for_lanes(team, tile_lanes, [&](int j) { s.mean_dot[j] = 0; });
    detail::zero_tile<RegisterBlock>(team, s.o_dot, head_size(), tile_lanes);

    for_key_tiles<Traits>(in.g, queries, [&](TileStart keys, Scores const& tile) {
      s.x.load_keys_and_values(team, in.g, in.x, keys, tile.rows);
      s.x_dot.load_keys_and_values(team, in.g, in.x_dot, keys, tile.rows);
      team.team_barrier();
      compute_weights(team, s, tile);
      team.team_barrier();
      accumulate(team, s, tile);
      team.team_barrier();
    });
    finish(team, s, queries);
  }

  /// Pᵀ, (P∘ż)ᵀ, and the sum of the latter in each block of keys.
  template <class Team>
  KYRTOS_KERNEL_STEP void compute_weights(Team const& team, Scratch const& s,
                                          Scores const& tile) const {
    int const d = head_size();
    detail::for_blocks<RegisterBlock>(team, tile.rows, tile.lanes, [&](int i, int j) {
      RegisterRow sum;
      sum.zero();
      if (!tile.mask.template fully_masked<R, L>(i, j)) {
        RegisterBlock z, z_dot, p;
        z.zero();
        z.add_product(s.x.k, s.x.q, i, j, 0, d);
        z_dot.zero();
        z_dot.add_product(s.x.k, s.x_dot.q, i, j, 0, d);
        z_dot.add_product(s.x_dot.k, s.x.q, i, j, 0, d);
        apply_soft_cap(z, z_dot, in.g.soft_cap);
        p.set([&](int a, int v) {
          return fast::exp_nonpositive(z.value[a][v] -
                                       simd::load<Vector>(s.log_sum_exp + j + z.lane(v)));
        });
        tile.mask.apply(p, i, j, Scalar(0));
        p.store(s.p, i, j);
        z_dot.set([&](int a, int v) { return p.value[a][v] * z_dot.value[a][v]; });
        z_dot.store(s.p_z_dot, i, j);
        z_dot.for_each([&](int a, int v) { sum.value[0][v] += z_dot.value[a][v]; });
      }
      sum.store(s.partial, i / R, j);
    });
  }

  /// Ȯᵀ += Vᵀ(P∘ż)ᵀ + V̇ᵀPᵀ, μ += Σ P∘ż.
  template <class Team>
  KYRTOS_KERNEL_STEP void accumulate(Team const& team, Scratch const& s, Scores const& tile) const {
    detail::for_vectors<Vector::size()>(team, tile.lanes, [&](int j) {
      auto sum = simd::load<Vector>(s.mean_dot + j);
      for (int i = 0; i < tile.rows / R; ++i) sum += simd::load<Vector>(s.partial.at(i, j));
      sum.copy_to(s.mean_dot + j, simd::element_aligned);
    });
    detail::for_blocks<RegisterBlock>(team, head_size(), tile.lanes, [&](int i, int j) {
      auto const [begin, end] = tile.mask.template rows_of<L>(j, tile.rows);
      RegisterBlock o_dot;
      o_dot.load(s.o_dot, i, j);
      o_dot.add_transposed_product(s.x.v, s.p_z_dot, i, j, begin, end);
      o_dot.add_transposed_product(s.x_dot.v, s.p, i, j, begin, end);
      o_dot.store(s.o_dot, i, j);
    });
  }

  /// ẏ = Ȯ - μ y, and μ for the tangent backward pass.
  template <class Team>
  KOKKOS_FORCEINLINE_FUNCTION void finish(Team const& team, Scratch const& s,
                                          QueryTile const& queries) const {
    auto const& g = in.g;
    Scalar* const mean_dot = g.statistic(in.mean_dot, queries.start);
    detail::for_lanes(team, queries.present,
                      [&](int j) { mean_dot[Index(j) * g.heads] = s.mean_dot[j]; });
    auto const y = g.outputs(in.y, queries.start, queries.present);
    detail::store_transposed<Traits::vector_width>(
        team, g.outputs(in.y_dot, queries.start, queries.present), s.o_dot,
        [&](int i, int e, auto o_dot) {
          return o_dot - s.mean_dot[i] * simd::load<decltype(o_dot)>(y.data + i * y.stride + e);
        });
  }
};

}  // namespace kyrtos::layers::attention
