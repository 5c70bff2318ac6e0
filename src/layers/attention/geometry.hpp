// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "visibility.hpp"

/// \file
/// \brief Where heads lie in packed rows, and where the numbers a (token, query head).

namespace kyrtos::layers::attention {

using detail::Block;
using detail::GlobalRows;
using detail::Tile;

/// The register block of a kernel with these Traits.
template <class Scalar, class Traits>
using BlockOf = Block<Scalar, Traits::block_rows, Traits::block_lanes, Traits::vector_width>;
/// A row of it: numbers a lane.
template <class Scalar, class Traits>
using RowOf = Block<Scalar, 1, Traits::block_lanes, Traits::vector_width>;

/// Where a tile begins: its sequence, its query or key head, its first token.
struct TileStart {
  int sequence = 0, head = 0, token = 0;
};

/// Shape of the problem and layout of the packed rows [query heads | key heads | value heads].
template <class Scalar>
struct Geometry {
  int batch = 0, length = 0;
  int heads = 0, kv_heads = 0, head_size = 0;
  bool causal = true;
  int window = Visibility::everything;
  Scalar scale = 1;     ///< 1/√D
  Scalar soft_cap = 0;  ///< c, or 0 for none

  KOKKOS_INLINE_FUNCTION int group() const { return heads / kv_heads; }
  KOKKOS_INLINE_FUNCTION Visibility visibility() const { return {length, causal, window}; }

  /// Of x: at most `count` rows from `at` on, fewer at the sequence's end; likewise below.
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> queries(T* x, TileStart at, int count) const {
    return packed(x, at.head, at, count);
  }
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> keys(T* x, TileStart at, int count) const {
    return packed(x, heads + at.head, at, count);
  }
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> values(T* x, TileStart at, int count) const {
    return packed(x, heads + kv_heads + at.head, at, count);
  }
  /// Of y.
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> outputs(T* y, TileStart at, int count) const {
    return rows(y, Index(heads) * head_size, at.head, at, count);
  }
  /// Of a number a (token, query head): that of the first token; the next is `heads` further.
  template <class T>
  KOKKOS_INLINE_FUNCTION T* statistic(T* s, TileStart at) const {
    return s + (Index(at.sequence) * length + at.token) * heads + at.head;
  }

 private:
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> packed(T* x, int slot, TileStart at, int count) const {
    return rows(x, Index(heads + 2 * kv_heads) * head_size, slot, at, count);
  }
  template <class T>
  KOKKOS_INLINE_FUNCTION GlobalRows<T> rows(T* x, Index stride, int slot, TileStart at,
                                            int count) const {
    return {x + (Index(at.sequence) * length + at.token) * stride + Index(slot) * head_size, stride,
            detail::smaller(count, length - at.token), head_size};
  }
};

/// to[j] is the statistic of token `at.token + j`, or `filler` past the sequence's end, for
/// j < count.
template <class T, class Team>
KOKKOS_FORCEINLINE_FUNCTION void load_statistic(Team const& team, T* to, Geometry<T> const& g,
                                                T const* from, TileStart at, int count, T filler) {
  T const* const source = g.statistic(from, at);
  int const present = g.length - at.token, stride = g.heads;
  detail::for_lanes(team, count,
                    [&](int j) { to[j] = j < present ? source[Index(j) * stride] : filler; });
}

}  // namespace kyrtos::layers::attention
