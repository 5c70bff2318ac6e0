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
template <class T, class Space>
struct PackedRows {
  VectorView<T, Space> memory;
  Index tokens = 0;  ///< of an entry
  int heads = 1;     ///< of a token
  int head_size = 0;
  int parts = 1;  ///< 2 with a tangent.

  PackedRows() = default;
  PackedRows(WorkingMemory<Space>& m, int entries, Index token_count, int head_count, int d, int p)
      : memory(m.template take<T>(entries * token_count * head_count * p * d)),
        tokens(token_count),
        heads(head_count),
        head_size(d),
        parts(p) {}

  Index row_stride() const { return Index(parts) * head_size; }
  Index entry_stride() const { return tokens * heads * row_stride(); }

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

 private:
  linalg::MatrixBatch<T, Space> batch(QueryBlock const& b, Index rows, Index stride,
                                      Index begin) const {
    Index const entry = Index(b.tokens) * group * parts * b.stride;
    return {slice(memory, begin, static_cast<Index>(memory.size()) - begin), rows, b.keys, stride,
            entry};
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
};

}  // namespace kyrtos::layers::attention
