// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "../detail/tile.hpp"

/// \file
/// \brief Which keys a query sees. Loops over tiles, masks of tiles and ranges within tiles all
/// follow from it.

namespace kyrtos::layers::attention {

/// Tokens, rows or lanes [begin, end).
struct Range {
  int begin = 0, end = 0;

  /// Counted from `first` on, and only what lies within [0, count).
  KOKKOS_FORCEINLINE_FUNCTION Range within(int first, int count) const {
    return {detail::larger(0, begin - first), detail::smaller(count, end - first)};
  }
};

/// Query q sees the keys k of its sequence with q - k < window and, if causal, k ≤ q.
struct Visibility {
  static constexpr int everything = 1 << 30;  ///< A window that is longer than any sequence.

  int length = 0;  ///< of the sequence
  bool causal = true;
  int window = everything;

  /// Keys that at least one of the queries [first, last] sees.
  KOKKOS_FORCEINLINE_FUNCTION Range keys_of(int first, int last) const {
    return {detail::larger(0, first - window + 1),
            causal ? detail::smaller(length, last + 1) : length};
  }
  /// Queries that see at least one of the keys [first, last].
  KOKKOS_FORCEINLINE_FUNCTION Range queries_of(int first, int last) const {
    if (first >= length) return {};
    return {causal ? first : 0, detail::smaller(length, last + window)};
  }
  /// None of the queries sees any of the keys, both given by first and last.
  KOKKOS_FORCEINLINE_FUNCTION bool hides_all(int query, int last_query, int key,
                                             int last_key) const {
    return (causal && key > last_query) || query - last_key >= window;
  }
  /// All of the queries see all of the keys.
  KOKKOS_FORCEINLINE_FUNCTION bool shows_all(int query, int last_query, int key,
                                             int last_key) const {
    return last_key < length && (!causal || last_key <= query) && last_query - key < window;
  }
};

}  // namespace kyrtos::layers::attention
