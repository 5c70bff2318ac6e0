// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/gemm_batched.hpp>

#include "blocked_geometry.hpp"

/// \file
/// \brief The working memory of blocked attention: packed heads, blocks of scores, results.

namespace kyrtos::layers::attention {

/// Hands out pieces of the context's scratch, each where a cache line and a device's widest load
/// may start. Without memory it only counts: what a pass holds is written once, for the size and
/// for the addresses.
template <class Space>
class WorkingMemory {
 public:
  WorkingMemory() = default;
  explicit WorkingMemory(VectorView<std::byte, Space> const& memory) : memory_(memory) {}

  template <class T>
  VectorView<T, Space> take(Index count) {
    auto* const at = memory_.data() == nullptr ? nullptr : memory_.data() + used_;
    used_ += (count * Index{sizeof(T)} + 255) / 256 * 256;
    return VectorView<T, Space>(reinterpret_cast<T*>(at), static_cast<std::size_t>(count));
  }
  Index used() const { return used_; }

 private:
  VectorView<std::byte, Space> memory_;
  Index used_ = 0;
};

/// Rows of D values of the entries of a group: for each token and head one, or two next to each
/// other, of which one is the tangent's. Products see them as rows of D or of 2·D values.
///
/// What is multiplied alike lies in pairs of matrices an entry, so that one batched product takes
/// both: Q and dO, K and V, dK and dV. A pair of n entries is made for 2·n of them.
template <class T, class Space>
struct PackedRows {
  VectorView<T, Space> memory;
  Index tokens = 0;  ///< of an entry
  int heads = 1;     ///< of a token
  int head_size = 0;
  int parts = 1;     ///< 2 with a tangent.
  int matrices = 1;  ///< From an entry to the next: 2 in a half of a pair.

  PackedRows() = default;
  PackedRows(WorkingMemory<Space>& m, int entries, Index token_count, int head_count, int d, int p)
      : memory(m.template take<T>(entries * token_count * head_count * p * d)),
        tokens(token_count),
        heads(head_count),
        head_size(d),
        parts(p) {}

  Index row_stride() const { return Index(parts) * head_size; }
  Index entry_stride() const { return matrices * tokens * heads * row_stride(); }

  /// The first or the second matrices of a pair.
  PackedRows half(int which) const {
    auto one = *this;
    Index const begin = which * entry_stride();
    if (memory.data() != nullptr)  // else it is only counted
      one.memory = slice(memory, begin, static_cast<Index>(memory.size()) - begin);
    one.matrices = 2;
    return one;
  }

  /// Part `part` of the rows of `count` tokens from `first` on.
  linalg::MatrixBatch<T, Space> part(int first, int count, int part = 0) const {
    return batch(first, count, row_stride(), part * head_size, head_size);
  }
  /// All parts of a row side by side: [count·heads, parts·D].
  linalg::MatrixBatch<T, Space> wide(int first, int count) const {
    return batch(first, count, row_stride(), 0, row_stride());
  }
  /// All parts of a row below each other: [count·heads·parts, D].
  linalg::MatrixBatch<T, Space> tall(int first, int count) const {
    auto all = batch(first, count, head_size, 0, head_size);
    all.rows *= parts;
    return all;
  }

 private:
  linalg::MatrixBatch<T, Space> batch(int first, int count, Index stride, Index column,
                                      Index columns) const {
    Index const begin = first * heads * row_stride() + column;
    return {slice(memory, begin, static_cast<Index>(memory.size()) - begin), Index(count) * heads,
            columns, stride, entry_stride()};
  }
};

/// Numbers a (query row, key) of a block, with those of the tangent in a row of their own below.
template <class T, class Space>
struct ScoreRows {
  VectorView<T, Space> memory;
  int group = 1;  ///< Rows of a token.
  int parts = 1;
  int matrices = 1, which = 0;  ///< As in PackedRows.

  ScoreRows() = default;
  /// \param most the largest block.
  ScoreRows(WorkingMemory<Space>& m, int entries, int group_size, QueryBlock const& most, int p)
      : memory(m.template take<T>(Index(entries) * most.tokens * group_size * p * most.stride)),
        group(group_size),
        parts(p) {}

  /// [tokens·group, keys]
  linalg::MatrixBatch<T, Space> part(QueryBlock const& b, int part = 0) const {
    return batch(b, Index(b.tokens) * group, Index(parts) * b.stride, Index(part) * b.stride);
  }
  /// [tokens·group·parts, keys]
  linalg::MatrixBatch<T, Space> tall(QueryBlock const& b) const {
    return batch(b, Index(b.tokens) * group * parts, b.stride, 0);
  }
  ScoreRows half(int of_pair) const {
    auto one = *this;
    one.matrices = 2;
    one.which = of_pair;
    return one;
  }

 private:
  linalg::MatrixBatch<T, Space> batch(QueryBlock const& b, Index rows, Index stride,
                                      Index begin) const {
    Index const matrix = Index(b.tokens) * group * parts * b.stride;
    Index const first = which * matrix + begin;
    return {slice(memory, first, static_cast<Index>(memory.size()) - first), rows, b.keys, stride,
            matrices * matrix};
  }
};

/// Scores as products of matrices give them, and what a kernel makes of them: the factors of the
/// next products. In place where both are of one type.
template <class Scalar, class Factor, class Space>
struct ScoreBlock {
  ScoreRows<Scalar, Space> scores;
  ScoreRows<Factor, Space> factors;

  ScoreBlock() = default;
  ScoreBlock(WorkingMemory<Space>& m, int entries, int group, QueryBlock const& most, int parts)
      : scores(m, entries, group, most, parts) {
    if constexpr (std::is_same_v<Scalar, Factor>)
      factors = scores;
    else
      factors = {m, entries, group, most, parts};
  }

  /// One half of pairs of scores, and one of pairs of factors.
  ScoreBlock half(int of_scores, int of_factors) const {
    ScoreBlock one;
    one.scores = scores.half(of_scores);
    one.factors = factors.half(of_factors);
    return one;
  }
};

/// The same in few bytes, for kernels.
template <class Scalar, class Factor>
struct ScorePointers {
  Scalar* scores = nullptr;
  Factor* factors = nullptr;
  int group = 1;
  signed char parts = 1, matrices = 1, of_scores = 0, of_factors = 0;

  ScorePointers() = default;
  template <class Space>
  ScorePointers(ScoreBlock<Scalar, Factor, Space> const& block)
      : scores(block.scores.memory.data()),
        factors(block.factors.memory.data()),
        group(block.scores.group),
        parts(static_cast<signed char>(block.scores.parts)),
        matrices(static_cast<signed char>(block.scores.matrices)),
        of_scores(static_cast<signed char>(block.scores.which)),
        of_factors(static_cast<signed char>(block.factors.which)) {}

  /// Where part `part` of a row is, of all rows of a block's entries.
  KOKKOS_INLINE_FUNCTION Index score_at(QueryBlock const& b, Index row, int part) const {
    return at(b, row, part, of_scores);
  }
  KOKKOS_INLINE_FUNCTION Index factor_at(QueryBlock const& b, Index row, int part) const {
    return at(b, row, part, of_factors);
  }

 private:
  KOKKOS_INLINE_FUNCTION Index at(QueryBlock const& b, Index row, int part, int which) const {
    Index const rows = Index(b.tokens) * group;
    Index const others = row / rows * (matrices - 1) + which;  // matrices of the other half
    return ((others * rows + row) * parts + part) * b.stride;
  }
};

}  // namespace kyrtos::layers::attention
