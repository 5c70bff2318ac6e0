// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/attention.hpp>

#include "geometry.hpp"

/// \file
/// \brief How blocked attention divides its work: into groups of (sequence, key head) pairs, called
/// entries, and the tokens of a sequence into blocks of queries.
///
/// The g = H/H_kv query heads of an entry are rows of the same products: row token·g + j of an
/// entry's queries is that of its j-th query head. So keys and values are neither repeated nor
/// summed over, and any range of tokens is a matrix.

namespace kyrtos::layers::attention {

/// Tokens that are queries together, and the keys that at least one of them sees.
struct QueryBlock {
  int first_entry = 0, entries = 0;  ///< The group.
  int first = 0, tokens = 0;         ///< Queries.
  int first_key = 0, keys = 0;
  int stride = 0;  ///< Of a row of scores: score_stride().
};

/// A row of a block's scores.
struct ScoreRow {
  Index statistic;  ///< Where its numbers a (token, query head) lie.
  int begin, end;   ///< Keys that it sees, counted from the block's first.
};

/// Distance of rows of n scores, and of their tangents between them if there are two parts: whole
/// cache lines, an odd number of them, so that the elements of a column do not share a few places
/// of the caches. But oneDNN's fast kernels take matrices without padding only.
inline int score_stride(int n, int parts, bool is_host) {
  if (is_host && parts == 1) return n;
  int const lines = (n + 15) / 16;
  return 16 * (lines + (lines % 2 == 0 ? 1 : 0));
}

template <class Scalar>
int entries_of(Geometry<Scalar> const& g) {
  return g.batch * g.kv_heads;
}

/// The block of `tokens` queries from `first` on.
template <class Scalar>
QueryBlock query_block(Geometry<Scalar> const& g, int first, int tokens) {
  tokens = detail::smaller(tokens, g.length - first);
  auto const seen = g.visibility().keys_of(first, first + tokens - 1);
  int const keys = seen.end - seen.begin;
  return {.first = first, .tokens = tokens, .first_key = seen.begin, .keys = keys};
}

/// Most keys that a block of so many tokens sees.
template <class Scalar>
int most_keys(Geometry<Scalar> const& g, int tokens) {
  if (g.window >= g.length) return g.length;
  return detail::smaller(g.length, g.window - 1 + tokens);
}

/// Where the number of (entry, token, j-th of its query heads) lies.
template <class Scalar>
KOKKOS_INLINE_FUNCTION Index statistic_of(Geometry<Scalar> const& g, int entry, int token, int j) {
  Index const in_sequence = Index(entry / g.kv_heads) * g.length + token;
  return in_sequence * g.heads + entry % g.kv_heads * g.group() + j;
}

template <class Scalar>
KOKKOS_INLINE_FUNCTION ScoreRow score_row(Geometry<Scalar> const& g, QueryBlock const& b,
                                          Index row) {
  int const rows = b.tokens * g.group();
  int const entry = b.first_entry + static_cast<int>(row / rows);
  int const in_block = static_cast<int>(row % rows);
  int const token = b.first + in_block / g.group();
  auto const seen = g.visibility().keys_of(token, token);
  return {statistic_of(g, entry, token, in_block % g.group()), seen.begin - b.first_key,
          seen.end - b.first_key};
}

}  // namespace kyrtos::layers::attention
