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

/// Which pairs of a tile of scores count.
template <Along lanes>
struct Mask {
  int first_query = 0, first_key = 0;
  Visibility visibility;

  KOKKOS_FORCEINLINE_FUNCTION int query(int i, int j) const {
    return first_query + (lanes == Along::queries ? j : i);
  }
  KOKKOS_FORCEINLINE_FUNCTION int key(int i, int j) const {
    return first_key + (lanes == Along::queries ? i : j);
  }
  /// Of the block of Rows × Lanes pairs that starts at (i, j), none counts.
  template <int Rows, int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION bool fully_masked(int i, int j) const {
    int const last_i = i + Rows - 1, last_j = j + Lanes - 1;
    return visibility.hides_all(query(i, j), query(last_i, last_j), key(i, j), key(last_i, last_j));
  }
  template <int Rows, int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION bool fully_visible(int i, int j) const {
    int const last_i = i + Rows - 1, last_j = j + Lanes - 1;
    return visibility.shows_all(query(i, j), query(last_i, last_j), key(i, j), key(last_i, last_j));
  }
  /// Sets the masked pairs of a block, which starts at (i, j), to `filler`.
  template <class T, int Rows, int Lanes, int Width>
  KOKKOS_FORCEINLINE_FUNCTION void apply(Block<T, Rows, Lanes, Width>& block, int i, int j,
                                         T filler) const {
    if (fully_visible<Rows, Lanes>(i, j)) return;
    using Vector = simd::Vector<T, Width>;
    Vector const lane([](int number) { return static_cast<T>(number); });
    block.set([&](int a, int v) {
      auto const [begin, end] = lanes_of<1>(i + a, j + block.lane(v), Width);
      auto const mask = lane >= static_cast<T>(begin) && lane < static_cast<T>(end);
      return simd::condition(mask, block.value[a][v], Vector(filler));
    });
  }

  /// Of the `count` lanes from j on, and counted from j, those that count in one of the rows
  /// [i, i + Rows). Blocks of scores outside of these ranges are not even written.
  template <int Rows>
  KOKKOS_FORCEINLINE_FUNCTION Range lanes_of(int i, int j, int count) const {
    if constexpr (lanes == Along::queries)
      return visibility.queries_of(key(i, 0), key(i + Rows - 1, 0)).within(query(0, j), count);
    else
      return visibility.keys_of(query(i, 0), query(i + Rows - 1, 0)).within(key(0, j), count);
  }
  /// Of `count` rows, those that count in one of the lanes [j, j + Lanes).
  template <int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION Range rows_of(int j, int count) const {
    if constexpr (lanes == Along::queries)
      return visibility.keys_of(query(0, j), query(0, j + Lanes - 1)).within(first_key, count);
    else
      return visibility.queries_of(key(0, j), key(0, j + Lanes - 1)).within(first_query, count);
  }
};

/// One tile of scores: its mask, and its rows and lanes in use, in whole blocks.
template <Along along>
struct ScoreTile {
  Mask<along> mask;
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
