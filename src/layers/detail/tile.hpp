// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/kokkos_compat.hpp>
#include <kyrtos/core/types.hpp>

/// \file
/// \brief Products of small matrices in team scratch, cut into register blocks.
///
/// A product C = A·B is cut into blocks of C of Rows × Lanes values. One thread computes a block:
/// per k it takes Rows values of A, each broadcast, and Lanes contiguous values of B. On a CPU
/// the block is Rows × (Lanes/vector width) vector registers, on a GPU the registers of a thread.
/// The same loop serves A (k along a row of A) and Aᵀ (k along a column): a broadcast does not
/// mind where it comes from. So whatever meets a product as B must have its lanes contiguous,
/// everything else stays as it lies in memory, and no tile is transposed twice.

namespace kyrtos::layers::detail {

KOKKOS_INLINE_FUNCTION constexpr int round_up(int n, int multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

KOKKOS_INLINE_FUNCTION constexpr int smaller(int a, int b) {
  return a < b ? a : b;
}

/// A row-major matrix in team scratch.
template <class T>
struct Tile {
  T* data = nullptr;
  int stride = 0;  ///< Distance of rows.

  KOKKOS_FORCEINLINE_FUNCTION T& operator()(int i, int j) const { return data[i * stride + j]; }
  KOKKOS_FORCEINLINE_FUNCTION T* at(int i, int j) const { return data + i * stride + j; }
};

/// Hands out pieces of one allocation, each on a 64-byte boundary. Started at null it only counts:
/// a kernel's list of tiles is written once, for the size and for the addresses.
template <class T>
class Carver {
 public:
  KOKKOS_INLINE_FUNCTION explicit Carver(T* base = nullptr) : base_(base) {}

  KOKKOS_INLINE_FUNCTION T* take(int count) {
    T* const piece = base_ == nullptr ? nullptr : base_ + used_;
    used_ += round_up(count, 64 / static_cast<int>(sizeof(T)));
    return piece;
  }
  KOKKOS_INLINE_FUNCTION Tile<T> tile(int rows, int stride) {
    return {take(rows * stride), stride};
  }
  KOKKOS_INLINE_FUNCTION int used() const { return used_; }

 private:
  T* base_;
  int used_ = 0;
};

/// Rows of a matrix in global memory: `count` of them exist, `width` values each.
template <class T>
struct GlobalRows {
  T* data;
  Index stride;
  int count;
  int width;
};

/// Rows × Lanes values in registers.
template <class T, int Rows, int Lanes>
struct Block {
  T value[Rows][Lanes];

  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void set(F const& f) {
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Lanes; ++j) value[i][j] = f(i, j);
  }
  KOKKOS_FORCEINLINE_FUNCTION void zero() {
    set([](int, int) { return T(0); });
  }
  KOKKOS_FORCEINLINE_FUNCTION void load(Tile<T> const& c, int i0, int j0) {
    T const* KOKKOS_RESTRICT const from = c.at(i0, j0);
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Lanes; ++j) value[i][j] = from[i * c.stride + j];
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(Tile<T> const& c, int i0, int j0) const {
    T* KOKKOS_RESTRICT const to = c.at(i0, j0);
    for (int i = 0; i < Rows; ++i)
      for (int j = 0; j < Lanes; ++j) to[i * c.stride + j] = value[i][j];
  }

  /// value(i, j) += Σ_k a(i0 + i, k) b(k, j0 + j) over k in [begin, end)
  KOKKOS_FORCEINLINE_FUNCTION void add_product(Tile<T> const& a, Tile<T> const& b, int i0, int j0,
                                               int begin, int end) {
    add(a.at(i0, 0), a.stride, 1, b.at(0, j0), b.stride, begin, end);
  }
  /// value(i, j) += Σ_k a(k, i0 + i) b(k, j0 + j) over k in [begin, end)
  KOKKOS_FORCEINLINE_FUNCTION void add_transposed_product(Tile<T> const& a, Tile<T> const& b,
                                                          int i0, int j0, int begin, int end) {
    add(a.at(0, i0), 1, a.stride, b.at(0, j0), b.stride, begin, end);
  }
  /// Adds itself to the rows from i0 on of `to`, or replaces them; only what exists there.
  KOKKOS_FORCEINLINE_FUNCTION void add_to(GlobalRows<T> const& to, int i0, int j0,
                                          bool replace) const {
    int const width = smaller(Lanes, to.width - j0);
    for (int i = 0; i < smaller(Rows, to.count - i0); ++i) {
      T* KOKKOS_RESTRICT const row = to.data + (i0 + i) * to.stride + j0;
      for (int j = 0; j < width; ++j) row[j] = (replace ? T(0) : row[j]) + value[i][j];
    }
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION void add(T const* KOKKOS_RESTRICT a, int a_row, int a_k,
                                       T const* KOKKOS_RESTRICT b, int b_k, int begin, int end) {
    KYRTOS_DEVICE_UNROLL(4)
    for (int k = begin; k < end; ++k)
      for (int i = 0; i < Rows; ++i) {
        T const factor = a[i * a_row + k * a_k];
        for (int j = 0; j < Lanes; ++j) value[i][j] += factor * b[k * b_k + j];
      }
  }
};

/// f(i0, j0) for every block of a rows × lanes matrix, shared out over the team. Neighbouring
/// threads take neighbouring lanes.
template <int Rows, int Lanes, class Team, class F>
KOKKOS_FORCEINLINE_FUNCTION void for_blocks(Team const& team, int rows, int lanes, F const& f) {
  int const across = (lanes + Lanes - 1) / Lanes;
  int const down = (rows + Rows - 1) / Rows;
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, across * down),
                       [&](int block) { f(block / across * Rows, block % across * Lanes); });
}

/// Zeroes a tile of at least `rows` rows, in whole blocks.
template <int Rows, int Lanes, class T, class Team>
KOKKOS_FORCEINLINE_FUNCTION void zero_tile(Team const& team, Tile<T> const& c, int rows,
                                           int lanes) {
  for_blocks<Rows, Lanes>(team, rows, lanes, [&](int i, int j) {
    Block<T, Rows, Lanes> zero;
    zero.zero();
    zero.store(c, i, j);
  });
}

/// f(j) for every lane, shared out over the team.
template <class Team, class F>
KOKKOS_FORCEINLINE_FUNCTION void for_lanes(Team const& team, int lanes, F const& f) {
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, lanes), f);
}

/// to(i, d) = scale·from(i, d), zero where `from` has no such value, for i < rows, d < columns.
template <class T, class Team>
KOKKOS_FORCEINLINE_FUNCTION void load_rows(Team const& team, Tile<T> const& to,
                                           GlobalRows<T const> const& from, int rows, int columns,
                                           T scale) {
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, rows), [&](int i) {
    T const* KOKKOS_RESTRICT const source = from.data + i * from.stride;
    T* KOKKOS_RESTRICT const target = to.at(i, 0);
    int const present = i < from.count ? from.width : 0;
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, columns),
                         [&](int d) { target[d] = d < present ? scale * source[d] : T(0); });
  });
}

/// to(d, i) = scale·from(i, d), likewise.
template <class T, class Team>
KOKKOS_FORCEINLINE_FUNCTION void load_transposed(Team const& team, Tile<T> const& to,
                                                 GlobalRows<T const> const& from, int rows,
                                                 int columns, T scale) {
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, rows), [&](int i) {
    T const* KOKKOS_RESTRICT const source = from.data + i * from.stride;
    T* KOKKOS_RESTRICT const target = to.at(0, i);
    int const present = i < from.count ? from.width : 0;
    int const stride = to.stride;
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, columns), [&](int d) {
      target[d * stride] = d < present ? scale * source[d] : T(0);
    });
  });
}

/// to(i, d) = value(i, d) for the values that exist in `to`; value reads a transposed tile.
template <class T, class Team, class F>
KOKKOS_FORCEINLINE_FUNCTION void store_rows(Team const& team, GlobalRows<T> const& to,
                                            F const& value) {
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, to.count), [&](int i) {
    T* KOKKOS_RESTRICT const target = to.data + i * to.stride;
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, to.width),
                         [&](int d) { target[d] = value(i, d); });
  });
}

}  // namespace kyrtos::layers::detail
