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
KOKKOS_INLINE_FUNCTION Index packed_width(Geometry<Scalar> const& g) {
  return Index(g.heads + 2 * g.kv_heads) * g.head_size;
}
template <class Scalar>
KOKKOS_INLINE_FUNCTION HeadPlaces query_places(Geometry<Scalar> const& g) {
  return {packed_width(g), 0, g.group()};
}
template <class Scalar>
KOKKOS_INLINE_FUNCTION HeadPlaces key_places(Geometry<Scalar> const& g) {
  return {packed_width(g), g.heads, 1};
}
template <class Scalar>
KOKKOS_INLINE_FUNCTION HeadPlaces value_places(Geometry<Scalar> const& g) {
  return {packed_width(g), g.heads + g.kv_heads, 1};
}
template <class Scalar>
KOKKOS_INLINE_FUNCTION HeadPlaces output_places(Geometry<Scalar> const& g) {
  return {Index(g.heads) * g.head_size, 0, g.group()};
}

/// A stretch of the tokens of a group of entries.
struct Stretch {
  int first_entry = 0, entries = 0;
  int first = 0, tokens = 0;
};

/// One part of packed rows, for kernels.
template <class T>
struct PackedPart {
  T* memory = nullptr;
  Index stride = 0, entry_stride = 0;

  PackedPart() = default;
  template <class Space>
  PackedPart(PackedRows<T, Space> const& rows, int part)
      : memory(rows.memory.data() + part * rows.head_size),
        stride(rows.row_stride()),
        entry_stride(rows.entry_stride()) {}

  /// Of the group's entry, that of the row-th (token, head).
  KOKKOS_INLINE_FUNCTION T* row(Index entry, Index index) const {
    return memory + entry * entry_stride + index * stride;
  }
};

/// Packed rows ← rows of tokens of a group of entries: queries, with the scale 1/√D in them, keys
/// and values from x, and outputs' adjoints from dy, if there is one.
template <class Factors, class Scalar, class Space>
struct PackTokens {
  using Factor = typename Factors::Factor;

  Geometry<Scalar> g;
  Stretch of;
  Scalar const *x, *dy;
  PackedPart<Factor> q, k, v, d_o;

  KOKKOS_FUNCTION void copy(detail::RowMember<Space> const& member, Scalar const* source,
                            Scalar scale, Factor* target) const {
    detail::row_for<Space>(member, g.head_size,
                           [=](Index d) { target[d] = Factors::of(scale * source[d]); });
  }
  KOKKOS_FUNCTION void operator()(detail::RowMember<Space> const& member, Index index) const {
    Index const in_group = index / of.tokens, in_entry = index % of.tokens;
    int const entry = of.first_entry + static_cast<int>(in_group);
    int const token = of.first + static_cast<int>(in_entry), heads = g.group();
    for (int j = 0; j < heads; ++j) {
      Index const row = in_entry * heads + j;
      copy(member, x + query_places(g).of(g, entry, token, j), g.scale, q.row(in_group, row));
      if (dy != nullptr)
        copy(member, dy + output_places(g).of(g, entry, token, j), 1, d_o.row(in_group, row));
    }
    copy(member, x + key_places(g).of(g, entry, token, 0), 1, k.row(in_group, in_entry));
    copy(member, x + value_places(g).of(g, entry, token, 0), 1, v.row(in_group, in_entry));
  }
};

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

/// Rows of keys and values of x ← dK and dV.
template <class Scalar, class Space>
void unpack_sums(Context<Space> const& context, char const* label, Geometry<Scalar> const& g,
                 Stretch const& of, PackedRows<Scalar, Space> const& dk,
                 PackedRows<Scalar, Space> const& dv, Scalar* x) {
  auto const keys = key_places(g), values = value_places(g);
  PackedPart<Scalar> const from_k(dk, 0), from_v(dv, 0);
  detail::for_each_row(
      context, label, Index(of.entries) * of.tokens,
      KOKKOS_LAMBDA(detail::RowMember<Space> const& member, Index row) {
        Index const in_group = row / of.tokens, token = row % of.tokens;
        int const entry = of.first_entry + static_cast<int>(in_group);
        Scalar* const key = x + keys.of(g, entry, static_cast<int>(token), 0);
        Scalar* const value = x + values.of(g, entry, static_cast<int>(token), 0);
        Scalar const *const k = from_k.row(in_group, token), *const v = from_v.row(in_group, token);
        detail::row_for<Space>(member, g.head_size, [=](Index d) {
          key[d] = k[d];
          value[d] = v[d];
        });
      });
}

}  // namespace kyrtos::layers::attention
