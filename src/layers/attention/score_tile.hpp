// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/fast_math.hpp>

#include "geometry.hpp"

/// \file
/// \brief What is done to the scores of one tile of (query, key) pairs: the mask and the soft cap.

namespace kyrtos::layers::attention {

/// Which of the two sequences lies along the lanes of a tile of scores; the other lies along its
/// rows. The tile along the lanes is resident in scratch while those along the rows stream past.
enum class Along { queries, keys };

/// Lanes [begin, end).
struct LaneRange {
  int begin, end;
};
inline constexpr int all_lanes = 1 << 20;

/// Which pairs of a tile of scores count: keys that exist and, if causal, don't follow the query.
template <Along lanes>
struct CausalMask {
  int first_query = 0, first_key = 0;
  int length = 0;  ///< of the sequence
  bool causal = true;

  KOKKOS_FORCEINLINE_FUNCTION int query(int i, int j) const {
    return first_query + (lanes == Along::queries ? j : i);
  }
  KOKKOS_FORCEINLINE_FUNCTION int key(int i, int j) const {
    return first_key + (lanes == Along::queries ? i : j);
  }
  /// A range of lanes: out of those from j on, counted from j, the ones whose pair in row i counts.
  KOKKOS_FORCEINLINE_FUNCTION LaneRange visible(int i, int j) const {
    if constexpr (lanes == Along::queries)
      return {causal ? key(i, 0) - query(0, j) : 0, key(i, 0) < length ? all_lanes : 0};
    else
      return {0, (causal ? detail::smaller(query(i, 0) + 1, length) : length) - key(0, j)};
  }
  /// Of the block of Rows × Lanes pairs that starts at (i, j), causality hides every pair.
  template <int Rows, int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION bool fully_masked(int i, int j) const {
    return causal && key(i, j) > query(i + Rows - 1, j + Lanes - 1);
  }
  template <int Rows, int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION bool fully_visible(int i, int j) const {
    int const last_key = key(i + Rows - 1, j + Lanes - 1);
    return last_key < length && (!causal || last_key <= query(i, j));
  }
  /// Sets the masked pairs of a block, which starts at (i, j), to `filler`.
  template <class T, int Rows, int Lanes, int Width>
  KOKKOS_FORCEINLINE_FUNCTION void apply(Block<T, Rows, Lanes, Width>& block, int i, int j,
                                         T filler) const {
    if (fully_visible<Rows, Lanes>(i, j)) return;
    using Vector = simd::Vector<T, Width>;
    Vector const lane([](int number) { return static_cast<T>(number); });
    block.set([&](int a, int v) {
      auto const [begin, end] = visible(i + a, j + block.lane(v));
      auto const mask = lane >= static_cast<T>(begin) && lane < static_cast<T>(end);
      return simd::condition(mask, block.value[a][v], Vector(filler));
    });
  }

  /// With keys along the lanes, the first row that a key of lanes [j, …) is visible to. Blocks of
  /// scores outside these ranges are not even written.
  KOKKOS_FORCEINLINE_FUNCTION int rows_begin(int j) const {
    static_assert(lanes == Along::keys);
    int const begin = first_key + j - first_query;
    return causal && begin > 0 ? begin : 0;
  }
  /// With queries along the lanes, the end of the rows, out of `rows`, that are visible to a query
  /// of lanes [j, j + Lanes).
  template <int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION int rows_end(int j, int rows) const {
    static_assert(lanes == Along::queries);
    int const end = first_query + j + Lanes - first_key;
    return causal && end < rows ? end : rows;
  }
  /// With keys along the lanes, the end of the lanes, out of `used`, that are visible to a query of
  /// rows [i, i + Rows).
  template <int Rows>
  KOKKOS_FORCEINLINE_FUNCTION int lanes_end(int i, int used) const {
    static_assert(lanes == Along::keys);
    int const end = first_query + i + Rows - first_key;
    return causal && end < used ? end : used;
  }
};

/// One tile of scores: its mask, and its rows and lanes in use, in whole blocks.
template <Along along>
struct ScoreTile {
  CausalMask<along> mask;
  int rows = 0, lanes = 0;
};

/// z = c tanh(s/c), in place.
template <class T, int Rows, int Lanes, int Width>
KOKKOS_FORCEINLINE_FUNCTION void apply_soft_cap(Block<T, Rows, Lanes, Width>& s, T cap) {
  if (cap > 0) {
    T const inverse = 1 / cap;
    s.set([&](int i, int v) { return cap * fast::tanh(inverse * s.value[i][v]); });
  }
}

/// The same with its tangent ż = (1 - (z/c)²) ṡ.
template <class T, int Rows, int Lanes, int Width>
KOKKOS_FORCEINLINE_FUNCTION void apply_soft_cap(Block<T, Rows, Lanes, Width>& s,
                                                Block<T, Rows, Lanes, Width>& s_dot, T cap) {
  if (cap > 0) {
    T const inverse = 1 / cap;
    apply_soft_cap(s, cap);
    s_dot.set([&](int i, int v) {
      auto const ratio = inverse * s.value[i][v];
      return (1 - ratio * ratio) * s_dot.value[i][v];
    });
  }
}

/// Of a number a query of the tile, those at row i and the lanes from j on.
template <Along lanes, class Vector>
KOKKOS_FORCEINLINE_FUNCTION Vector of_queries(typename Vector::value_type const* statistic, int i,
                                              int j) {
  if constexpr (lanes == Along::queries)
    return simd::load<Vector>(statistic + j);
  else
    return Vector(statistic[i]);
}

}  // namespace kyrtos::layers::attention
