// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/kokkos_compat.hpp>
#include <kyrtos/core/simd.hpp>
#include <kyrtos/core/types.hpp>

/// \file
/// \brief Products of small matrices in team scratch, cut into register blocks.
///
/// A product C = A·B is cut into blocks of C of Rows × Lanes values. One thread computes a block:
/// per k it takes Rows values of A, each broadcast, and Lanes contiguous values of B. On a CPU
/// the block is Rows × Lanes/Width vectors, one a register; on a GPU it is the registers of a
/// thread, and Width is 1. The same loop serves A (k along a row of A) and Aᵀ (k along a column): a
/// broadcast does not mind where it comes from. So whatever meets a product as B must have its
/// lanes contiguous, everything else stays as it lies in memory, and no tile is transposed twice.

namespace kyrtos::layers::detail {

KOKKOS_INLINE_FUNCTION constexpr int round_up(int n, int multiple) {
  return (n + multiple - 1) / multiple * multiple;
}

KOKKOS_INLINE_FUNCTION constexpr int smaller(int a, int b) {
  return a < b ? a : b;
}

KOKKOS_INLINE_FUNCTION constexpr int larger(int a, int b) {
  return a < b ? b : a;
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
class ScratchAllocator {
 public:
  KOKKOS_INLINE_FUNCTION explicit ScratchAllocator(T* base = nullptr) : base_(base) {}

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

/// Rows × Lanes values in registers, in vectors of Width lanes.
template <class T, int Rows, int Lanes, int Width>
struct Block {
  static_assert(Lanes % Width == 0);
  using Vector = simd::Vector<T, Width>;
  static constexpr int rows = Rows, lanes = Lanes, vectors = Lanes / Width;

  Vector value[Rows][vectors];

  /// f(row, vector) for each vector.
  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION static void for_each(F const& f) {
    KYRTOS_UNROLL
    for (int i = 0; i < Rows; ++i) {
      KYRTOS_UNROLL
      for (int v = 0; v < vectors; ++v) f(i, v);
    }
  }
  /// The first lane of a vector.
  KOKKOS_FORCEINLINE_FUNCTION static constexpr int lane(int vector) { return vector * Width; }

  template <class F>
  KOKKOS_FORCEINLINE_FUNCTION void set(F const& f) {
    for_each([&](int i, int v) { value[i][v] = f(i, v); });
  }
  KOKKOS_FORCEINLINE_FUNCTION void zero() {
    set([](int, int) { return Vector(T(0)); });
  }
  KOKKOS_FORCEINLINE_FUNCTION void load(Tile<T> const& c, int i0, int j0) {
    T const* KOKKOS_RESTRICT const from = c.at(i0, j0);
    set([&](int i, int v) { return simd::load<Vector>(from + i * c.stride + lane(v)); });
  }
  KOKKOS_FORCEINLINE_FUNCTION void store(Tile<T> const& c, int i0, int j0) const {
    T* KOKKOS_RESTRICT const to = c.at(i0, j0);
    for_each([&](int i, int v) {
      value[i][v].copy_to(to + i * c.stride + lane(v), simd::element_aligned);
    });
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
    if (i0 + Rows <= to.count && j0 + Lanes <= to.width) {
      T* const first = to.data + i0 * to.stride + j0;
      for_each([&](int i, int v) {
        T* const at = first + i * to.stride + lane(v);
        Vector const sum = replace ? value[i][v] : simd::load<Vector>(at) + value[i][v];
        sum.copy_to(at, simd::element_aligned);
      });
    } else {
      T values[Rows * Lanes];
      store({values, Lanes}, 0, 0);
      for (int i = 0; i < smaller(Rows, to.count - i0); ++i)
        for (int j = 0; j < smaller(Lanes, to.width - j0); ++j) {
          T& sum = to.data[(i0 + i) * to.stride + j0 + j];
          sum = (replace ? T(0) : sum) + values[i * Lanes + j];
        }
    }
  }

 private:
  KOKKOS_FORCEINLINE_FUNCTION void add(T const* KOKKOS_RESTRICT a, int a_row, int a_k,
                                       T const* KOKKOS_RESTRICT b, int b_k, int begin, int end) {
    KYRTOS_DEVICE_UNROLL(4)
    for (int k = begin; k < end; ++k) {
      Vector row[vectors];
      KYRTOS_UNROLL
      for (int v = 0; v < vectors; ++v) row[v] = simd::load<Vector>(b + k * b_k + lane(v));
      KYRTOS_UNROLL
      for (int i = 0; i < Rows; ++i) {
        Vector const factor(a[i * a_row + k * a_k]);
        KYRTOS_UNROLL
        for (int v = 0; v < vectors; ++v)
          value[i][v] = simd::multiply_add(factor, row[v], value[i][v]);
      }
    }
  }
};

/// f(i0, j0) for every Block of a rows × lanes matrix, shared out over the team. Neighbouring
/// threads take neighbouring lanes.
template <class Block, class Team, class F>
KOKKOS_FORCEINLINE_FUNCTION void for_blocks(Team const& team, int rows, int lanes, F const& f) {
  int const across = (lanes + Block::lanes - 1) / Block::lanes;
  int const down = (rows + Block::rows - 1) / Block::rows;
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, across * down), [&](int block) {
    f(block / across * Block::rows, block % across * Block::lanes);
  });
}

/// Zeroes a tile of at least `rows` rows, in whole Blocks.
template <class Block, class T, class Team>
KOKKOS_FORCEINLINE_FUNCTION void zero_tile(Team const& team, Tile<T> const& c, int rows,
                                           int lanes) {
  for_blocks<Block>(team, rows, lanes, [&](int i, int j) {
    Block zero;
    zero.zero();
    zero.store(c, i, j);
  });
}

/// f(j) for the first lane j of every vector out of `lanes`, a multiple of Width, shared out over
/// the team.
template <int Width, class Team, class F>
KOKKOS_FORCEINLINE_FUNCTION void for_vectors(Team const& team, int lanes, F const& f) {
  Kokkos::parallel_for(Kokkos::TeamVectorRange(team, lanes / Width),
                       [&](int vector) { f(vector * Width); });
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

/// Makes rows columns: log₂ W rounds, each of which interleaves row i with row i + W/2.
template <class T, int W>
KOKKOS_FORCEINLINE_FUNCTION void transpose(simd::Vector<T, W> (&rows)[W]) {
  KYRTOS_UNROLL
  for (int round = 1; round < W; round *= 2) {
    simd::Vector<T, W> next[W];
    KYRTOS_UNROLL
    for (int i = 0; i < W / 2; ++i) {
      next[2 * i] = interleave_low(rows[i], rows[i + W / 2]);
      next[2 * i + 1] = interleave_high(rows[i], rows[i + W / 2]);
    }
    KYRTOS_UNROLL
    for (int i = 0; i < W; ++i) rows[i] = next[i];
  }
}

/// f(i, d) for the first row and column of every Width × Width square of a matrix, shared out over
/// the team; the last square of a row may reach past it.
template <int Width, class Team, class F>
KOKKOS_FORCEINLINE_FUNCTION void for_squares(Team const& team, int rows, int columns, F const& f) {
  Kokkos::parallel_for(Kokkos::TeamThreadRange(team, (rows + Width - 1) / Width), [&](int i) {
    Kokkos::parallel_for(Kokkos::ThreadVectorRange(team, (columns + Width - 1) / Width),
                         [&](int d) { f(i * Width, d * Width); });
  });
}

/// to(d, i) = scale·from(i, d), likewise; `rows` is a multiple of Width.
template <int Width, class T, class Team>
KOKKOS_FORCEINLINE_FUNCTION void load_transposed(Team const& team, Tile<T> const& to,
                                                 GlobalRows<T const> const& from, int rows,
                                                 int columns, T scale) {
  using Vector = simd::Vector<T, Width>;
  for_squares<Width>(team, rows, columns, [&](int i0, int d0) {
    if (d0 + Width <= from.width) {
      Vector square[Width];
      KYRTOS_UNROLL
      for (int i = 0; i < Width; ++i)
        square[i] = i0 + i < from.count
                        ? scale * simd::load<Vector>(from.data + (i0 + i) * from.stride + d0)
                        : Vector(T(0));
      transpose(square);
      KYRTOS_UNROLL
      for (int d = 0; d < Width; ++d) square[d].copy_to(to.at(d0 + d, i0), simd::element_aligned);
    } else {
      for (int d = d0; d < smaller(d0 + Width, columns); ++d)
        for (int i = i0; i < i0 + Width; ++i)
          to(d, i) =
              i < from.count && d < from.width ? scale * from.data[i * from.stride + d] : T(0);
    }
  });
}

/// to(i, d) = f(i, d, from(d, i)) for the values that exist in `to`. The last argument of f is a
/// vector, of Width columns from d on or of one.
template <int Width, class T, class Team, class F>
KOKKOS_FORCEINLINE_FUNCTION void store_transposed(Team const& team, GlobalRows<T> const& to,
                                                  Tile<T> const& from, F const& f) {
  using Vector = simd::Vector<T, Width>;
  using Single = simd::Vector<T, 1>;
  for_squares<Width>(team, to.count, to.width, [&](int i0, int d0) {
    if (d0 + Width <= to.width) {
      Vector square[Width];
      KYRTOS_UNROLL
      for (int d = 0; d < Width; ++d) square[d] = simd::load<Vector>(from.at(d0 + d, i0));
      transpose(square);
      KYRTOS_UNROLL
      for (int i = 0; i < Width; ++i)
        if (i0 + i < to.count)
          f(i0 + i, d0, square[i])
              .copy_to(to.data + (i0 + i) * to.stride + d0, simd::element_aligned);
    } else {
      for (int i = i0; i < smaller(i0 + Width, to.count); ++i)
        for (int d = d0; d < to.width; ++d)
          f(i, d, Single(from(d, i))).copy_to(to.data + i * to.stride + d, simd::element_aligned);
    }
  });
}

}  // namespace kyrtos::layers::detail
