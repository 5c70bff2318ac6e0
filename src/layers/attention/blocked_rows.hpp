// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/detail/rows.hpp>

#include "blocked_memory.hpp"

/// \file
/// \brief Between the rows of tokens in memory and those of packed heads.

namespace kyrtos::layers::attention {

/// Where an entry's heads lie in the rows of a matrix.
struct HeadPlaces {
  Index width = 0;  ///< Values a token.
  int first = 0;    ///< Head of the first entry.
  int count = 1;    ///< Heads an entry.

  template <class Scalar>
  KOKKOS_INLINE_FUNCTION Index of(Geometry<Scalar> const& g, int entry, int token, int j) const {
    Index const row = Index(entry / g.kv_heads) * g.length + token;
    return row * width + Index(first + entry % g.kv_heads * count + j) * g.head_size;
  }
};

template <class Scalar>
Index packed_width(Geometry<Scalar> const& g) {
  return Index(g.heads + 2 * g.kv_heads) * g.head_size;
}
template <class Scalar>
HeadPlaces query_places(Geometry<Scalar> const& g) {
  return {packed_width(g), 0, g.group()};
}
template <class Scalar>
HeadPlaces key_places(Geometry<Scalar> const& g) {
  return {packed_width(g), g.heads, 1};
}
template <class Scalar>
HeadPlaces value_places(Geometry<Scalar> const& g) {
  return {packed_width(g), g.heads + g.kv_heads, 1};
}
template <class Scalar>
HeadPlaces output_places(Geometry<Scalar> const& g) {
  return {Index(g.heads) * g.head_size, 0, g.group()};
}

/// A stretch of the tokens of a group of entries.
struct Stretch {
  int first_entry = 0, entries = 0;
  int first = 0, tokens = 0;
};

/// Part `part` of packed rows ← scale·x, as factors: all tokens of a group of entries.
template <class Factors, class Scalar, class Space, class Factor>
void pack(Context<Space> const& context, char const* label, Geometry<Scalar> const& g,
          Stretch const& of, Scalar const* x, HeadPlaces const& places,
          PackedRows<Factor, Space> const& to, int part, Scalar scale) {
  Index const rows = Index(of.entries) * of.tokens * places.count, stride = to.row_stride();
  Factor* const packed = to.memory.data() + part * g.head_size;
  detail::for_each_row(
      context, label, rows, KOKKOS_LAMBDA(detail::RowMember<Space> const& member, Index row) {
        int const heads = places.count, j = static_cast<int>(row % heads);
        int const token = static_cast<int>(row / heads % of.tokens);
        int const entry = of.first_entry + static_cast<int>(row / heads / of.tokens);
        Scalar const* const source = x + places.of(g, entry, of.first + token, j);
        Factor* const target = packed + row * stride;
        detail::row_for<Space>(member, g.head_size,
                               [=](Index d) { target[d] = Factors::of(scale * source[d]); });
      });
}

/// What becomes of a packed value on its way to memory: it is scaled.
template <class Scalar>
struct Scaled {
  Scalar scale;
  KOKKOS_FORCEINLINE_FUNCTION Scalar operator()(Scalar value, Index, Index, Index) const {
    return scale * value;
  }
};

/// Rows of x ← finish(packed value, its row in the packed rows, its statistic, its place in x).
template <class Scalar, class Space, class Finish>
void unpack(Context<Space> const& context, char const* label, Geometry<Scalar> const& g,
            Stretch const& of, PackedRows<Scalar, Space> const& from, Scalar* x,
            HeadPlaces const& places, Finish const& finish) {
  Index const tokens_of_entry = from.tokens;
  Index const rows = Index(of.entries) * of.tokens * places.count;
  Scalar const* const packed = from.memory.data();
  detail::for_each_row(
      context, label, rows, KOKKOS_LAMBDA(detail::RowMember<Space> const& member, Index row) {
        int const heads = places.count, j = static_cast<int>(row % heads);
        int const in_stretch = static_cast<int>(row / heads % of.tokens);
        Index const in_group = row / heads / of.tokens;
        int const entry = of.first_entry + static_cast<int>(in_group);
        Index const packed_row = (in_group * tokens_of_entry + in_stretch) * heads + j;
        Index const statistic = statistic_of(g, entry, of.first + in_stretch, j);
        Index const place = places.of(g, entry, of.first + in_stretch, j);
        Scalar const* const source = packed + packed_row * g.head_size;
        detail::row_for<Space>(member, g.head_size, [=](Index d) {
          x[place + d] = finish(source[d], packed_row, statistic, place + d);
        });
      });
}

}  // namespace kyrtos::layers::attention
