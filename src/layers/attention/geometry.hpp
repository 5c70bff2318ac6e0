// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/fast_math.hpp>

#include "../detail/tile.hpp"

/// \file
/// \brief Where heads lie in packed rows, which pairs of tokens see each other, the soft cap.

namespace kyrtos::layers::attention {

using detail::Block;
using detail::GlobalRows;
using detail::Tile;

/// Shape of the problem and layout of the packed rows [query heads | key heads | value heads].
template <class Scalar>
struct Geometry {
  int batch = 0, length = 0;
  int heads = 0, kv_heads = 0, head_size = 0;
  bool causal = true;
  Scalar scale = 1;     ///< 1/√D
  Scalar soft_cap = 0;  ///< c, or 0 for none

  KOKKOS_INLINE_FUNCTION int group() const { return heads / kv_heads; }

  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> queries(T* x, int sequence, int head, int first,
                                               int at_most) const {
    return packed(x, sequence, head, first, at_most);
  }
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> keys(T* x, int sequence, int kv_head, int first,
                                            int at_most) const {
    return packed(x, sequence, heads + kv_head, first, at_most);
  }
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> values(T* x, int sequence, int kv_head, int first,
                                              int at_most) const {
    return packed(x, sequence, heads + kv_heads + kv_head, first, at_most);
  }
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> outputs(T* y, int sequence, int head, int first,
                                               int at_most) const {
    return rows(y, Index(heads) * head_size, sequence, head, first, at_most);
  }
  /// Of a number a (token, query head): that of the first token; the next is `heads` further.
  template <class T>
  KOKKOS_INLINE_FUNCTION T* statistic(T* s, int sequence, int head, int first) const {
    return s + (Index(sequence) * length + first) * heads + head;
  }

 private:
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> packed(T* x, int sequence, int slot, int first,
                                              int at_most) const {
    return rows(x, Index(heads + 2 * kv_heads) * head_size, sequence, slot, first, at_most);
  }
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> rows(T* x, Index stride, int sequence, int slot, int first,
                                            int at_most) const {
    return {x + (Index(sequence) * length + first) * stride + Index(slot) * head_size, stride,
            detail::smaller(at_most, length - first), head_size};
  }
};

/// Which of the two sequences lies along the lanes of a tile of scores; the other lies along its
/// rows. The one along the lanes stays in scratch while the other streams past.
enum class Along { queries, keys };

/// One tile of scores: which of its (row, lane) pairs are to be computed.
template <Along lanes>
struct Window {
  int query = 0, key = 0;  ///< The tile's first ones.
  int length = 0;
  bool causal = true;

  KOKKOS_FORCEINLINE_FUNCTION int query_of(int i, int j) const {
    return query + (lanes == Along::queries ? j : i);
  }
  KOKKOS_FORCEINLINE_FUNCTION int key_of(int i, int j) const {
    return key + (lanes == Along::queries ? i : j);
  }
  KOKKOS_FORCEINLINE_FUNCTION bool sees(int i, int j) const {
    return key_of(i, j) < length && (!causal || key_of(i, j) <= query_of(i, j));
  }
  /// For the block of Rows × Lanes pairs that starts at (i, j).
  template <int Rows, int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION bool sees_nothing(int i, int j) const {
    return causal && key_of(i, j) > query_of(i + Rows - 1, j + Lanes - 1);
  }
  template <int Rows, int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION bool sees_all(int i, int j) const {
    int const last_key = key_of(i + Rows - 1, j + Lanes - 1);
    return last_key < length && (!causal || last_key <= query_of(i, j));
  }
  /// The rows that lanes [j, j + Lanes) see are [begin, …) with keys along the lanes, […, end) out
  /// of `rows` with queries: outside, blocks of scores are not even written.
  KOKKOS_FORCEINLINE_FUNCTION int rows_begin(int j) const {
    static_assert(lanes == Along::keys);
    int const begin = key + j - query;
    return causal && begin > 0 ? begin : 0;
  }
  template <int Lanes>
  KOKKOS_FORCEINLINE_FUNCTION int rows_end(int j, int rows) const {
    static_assert(lanes == Along::queries);
    int const end = query + j + Lanes - key;
    return causal && end < rows ? end : rows;
  }
  /// With keys along the lanes: the lanes [0, end) out of `used` that rows [i, i + Rows) see.
  template <int Rows>
  KOKKOS_FORCEINLINE_FUNCTION int lanes_end(int i, int used) const {
    int const end = query + i + Rows - key;
    return causal && end < used ? end : used;
  }
};

/// Zeroes the pairs of a block, which starts at (i, j), that do not see each other.
template <Along lanes, class T, int Rows, int Lanes>
KOKKOS_FORCEINLINE_FUNCTION void hide(Block<T, Rows, Lanes>& p, Window<lanes> const& view, int i,
                                      int j) {
  if (!view.template sees_all<Rows, Lanes>(i, j))
    p.set([&](int a, int b) { return view.sees(i + a, j + b) ? p.value[a][b] : T(0); });
}

/// z = c tanh(s/c), in place.
template <class T, int Rows, int Lanes>
KOKKOS_FORCEINLINE_FUNCTION void apply_soft_cap(Block<T, Rows, Lanes>& s, T cap) {
  if (cap > 0) {
    T const inverse = 1 / cap;
    s.set([&](int i, int j) { return cap * fast::tanh(inverse * s.value[i][j]); });
  }
}

/// The same with its tangent ż = (1 - (z/c)²) ṡ.
template <class T, int Rows, int Lanes>
KOKKOS_FORCEINLINE_FUNCTION void apply_soft_cap(Block<T, Rows, Lanes>& s,
                                                Block<T, Rows, Lanes>& s_dot, T cap) {
  if (cap > 0) {
    T const inverse = 1 / cap;
    apply_soft_cap(s, cap);
    s_dot.set([&](int i, int j) {
      T const ratio = inverse * s.value[i][j];
      return (1 - ratio * ratio) * s_dot.value[i][j];
    });
  }
}

/// Numbers a (token, head) of `present` tokens from `first` on, and `filler` up to `count`.
template <class T, class Team>
KOKKOS_FORCEINLINE_FUNCTION void load_statistic(Team const& team, T* to, Geometry<T> const& g,
                                                T const* from, int sequence, int head, int first,
                                                int count, T filler) {
  T const* const source = g.statistic(from, sequence, head, first);
  int const present = g.length - first, stride = g.heads;
  detail::for_lanes(team, count,
                    [&](int j) { to[j] = j < present ? source[Index(j) * stride] : filler; });
}

}  // namespace kyrtos::layers::attention
