// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "blocked_factors.hpp"
#include "blocked_passes.hpp"
#include "blocked_rows.hpp"

/// \file
/// \brief What the four blocked passes share: their memory, and the loop over groups and blocks.

namespace kyrtos::layers::attention {

/// Numbers a (token, query head).
template <class Scalar>
Index statistics_of(Geometry<Scalar> const& g) {
  return Index(g.batch) * g.length * g.heads;
}

/// What a backward pass holds of D, and of Ḋ with tangents.
template <class Scalar>
Index row_sum_bytes(Geometry<Scalar> const& g, bool tangents) {
  WorkingMemory<Kokkos::DefaultHostExecutionSpace> counter;
  for (int i = 0; i < (tangents ? 2 : 1); ++i) counter.template take<Scalar>(statistics_of(g));
  return counter.used();
}

template <class Scalar, class Space>
void clear(Context<Space> const& context, char const* label,
           VectorView<Scalar, Space> const& memory) {
  Scalar* const values = memory.data();
  Kokkos::parallel_for(
      label,
      Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>(context.space(), 0,
                                                           static_cast<Index>(memory.size())),
      KOKKOS_LAMBDA(Index i) { values[i] = 0; });
}

/// All that a pass holds. `parts` is 2 in tangent passes.
template <class Scalar, class Factor, class Space>
struct PassMemory {
  PackedRows<Factor, Space> q, k, v, d_o;
  PackedRows<Scalar, Space> of_block;  ///< O, Ȯ, dQ or dQ̇ of a block's queries.
  PackedRows<Scalar, Space> dk, dv;    ///< dK and dV, or their tangents.
  ScoreBlock<Scalar, Factor, Space> scores, gradients;
  VectorView<Scalar, Space> inverse_sum;

  PassMemory(WorkingMemory<Space>& m, Geometry<Scalar> const& g, Division const& by, bool backward,
             int parts)
      : q(m, by.entries, g.length, g.group(), g.head_size, parts),
        k(m, by.entries, g.length, 1, g.head_size, parts),
        v(m, by.entries, g.length, 1, g.head_size, parts),
        of_block(m, by.entries, by.tokens, g.group(), g.head_size, 1) {
    int const keys = most_keys(g, by.tokens);
    QueryBlock const most{.tokens = by.tokens,
                          .keys = keys,
                          .stride = score_stride(keys, parts, compat::runs_on_host<Space>)};
    scores = {m, by.entries, g.group(), most, parts};
    inverse_sum = m.template take<Scalar>(Index(by.entries) * by.tokens * g.group());
    if (!backward) return;
    d_o = {m, by.entries, g.length, g.group(), g.head_size, parts};
    dk = {m, by.entries, g.length, 1, g.head_size, 1};
    dv = {m, by.entries, g.length, 1, g.head_size, 1};
    gradients = {m, by.entries, g.group(), most, parts};
  }
};

template <class Factor, class Scalar, class Space>
Index bytes_of(Geometry<Scalar> const& g, Division const& by, bool backward, int parts) {
  WorkingMemory<Space> counter;
  PassMemory<Scalar, Factor, Space>(counter, g, by, backward, parts);
  return counter.used();
}

/// Rows of scores of a block: 128 are enough for products at their full rate, and few enough that a
/// causal block leaves out most of what no query sees. On devices, where keys and values, dK and dV
/// go to memory with each block and each launch takes some microseconds, long sequences have 256.
inline int rows_of_block(int length, bool is_host) {
  return is_host || length < 1024 ? 128 : 256;
}

/// By the pass that holds most, so that all passes have the same blocks.
template <class Factor, class Scalar, class Space>
Division division(Geometry<Scalar> const& g, Index working_bytes,
                  bool is_host = compat::runs_on_host<Space>) {
  int const rows = rows_of_block(g.length, is_host), fewest = Division::fewest_tokens;
  int const wanted = detail::larger(fewest, detail::round_up(rows, g.group()) / g.group());
  Division by{.tokens = detail::smaller(wanted, g.length), .entries = 1};
  auto const bytes = [&] { return bytes_of<Factor, Scalar, Space>(g, by, true, 2); };
  while (by.tokens > fewest && bytes() > working_bytes)
    by.tokens = detail::larger(fewest, by.tokens / 2);
  Index const all = entries_of(g), fit = working_bytes / bytes();
  if (all == 0) return by;
  Index const groups = fit < 1 ? all : (all + fit - 1) / fit;
  by.entries = static_cast<int>((all + groups - 1) / groups);  // groups of about one size
  return by;
}

/// A pass over groups and blocks; `Factors` says what the factors of its products are.
template <class Factors, class Scalar, class Space>
class BlockedPass {
 public:
  using Factor = typename Factors::Factor;
  using Memory = PassMemory<Scalar, Factor, Space>;
  static constexpr auto no = linalg::Transpose::no, yes = linalg::Transpose::yes;

  BlockedPass(Context<Space> const& context, char const* label, Geometry<Scalar> const& g,
              Index working_bytes, bool backward, int parts)
      : context_(context),
        label_(label),
        g_(g),
        by_(division<Factor, Scalar, Space>(g, working_bytes)),
        backward_(backward),
        parts_(parts) {}

  /// begin_group(memory, stretch), then for_block(memory, block) for each block, then
  /// end_group(memory, stretch), for each group; in memory of bytes().
  template <class Group, class Block, class End>
  void run(WorkingMemory<Space>& working, Group const& begin_group, Block const& for_block,
           End const& end_group) const {
    Memory const memory(working, g_, by_, backward_, parts_);
    int const all = entries_of(g_);
    for (int entry = 0; entry < all; entry += by_.entries) {
      Stretch const group{entry, detail::smaller(by_.entries, all - entry), 0, g_.length};
      begin_group(memory, group);
      for (int first = 0; first < g_.length; first += by_.tokens) {
        auto block = query_block(g_, first, by_.tokens);
        block.first_entry = group.first_entry;
        block.entries = group.entries;
        block.stride = score_stride(block.keys, parts_, compat::runs_on_host<Space>);
        for_block(memory, block);
      }
      end_group(memory, group);
    }
  }

  Index bytes() const { return bytes_of<Factor, Scalar, Space>(g_, by_, backward_, parts_); }

  /// C ← op(A)·op(B) + β·C for each entry of the block's group.
  template <class A, class C>
  void multiply(QueryBlock const& b, linalg::Transpose a_op, A const& a, linalg::Transpose b_op,
                A const& second, Scalar beta, C const& c) const {
    linalg::gemm_batched<Factor, Scalar, Space>(context_, b.entries, a_op, b_op, 1, a, second, beta,
                                                c);
  }

  /// S = QKᵀ; with a tangent beside it Ṡ = [Q̇ Q][K K̇]ᵀ.
  void compute_scores(Memory const& m, QueryBlock const& b) const {
    int const q_part = parts_ - 1;  // [Q̇ Q]
    multiply(b, no, m.q.part(b.first, b.tokens, q_part), yes, m.k.part(b.first_key, b.keys), 0,
             m.scores.scores.part(b));
    if (parts_ > 1)
      multiply(b, no, m.q.wide(b.first, b.tokens), yes, m.k.wide(b.first_key, b.keys), 0,
               m.scores.scores.part(b, 1));
  }
  /// dP = dO Vᵀ; with a tangent dṖ = [dȮ dO][V V̇]ᵀ.
  void compute_gradients(Memory const& m, QueryBlock const& b) const {
    int const o_part = parts_ - 1;  // [dȮ dO]
    multiply(b, no, m.d_o.part(b.first, b.tokens, o_part), yes, m.v.part(b.first_key, b.keys), 0,
             m.gradients.scores.part(b));
    if (parts_ > 1)
      multiply(b, no, m.d_o.wide(b.first, b.tokens), yes, m.v.wide(b.first_key, b.keys), 0,
               m.gradients.scores.part(b, 1));
  }

  /// dK = dV = 0, or their tangents.
  void clear_sums(Memory const& m) const {
    clear<Scalar>(context_, label_, m.dk.memory);
    clear<Scalar>(context_, label_, m.dv.memory);
  }
  void unpack_sums(Memory const& m, Stretch const& group, Scalar* dx) const {
    unpack_rows(group, m.dk, dx, key_places(g_), Scaled<Scalar>{1});
    unpack_rows(group, m.dv, dx, value_places(g_), Scaled<Scalar>{1});
  }

  /// row(member, index) for each row of a block's scores.
  template <class Row>
  void for_rows(QueryBlock const& b, Row const& row) const {
    detail::for_each_row(context_, label_, Index(b.entries) * b.tokens * g_.group(), row);
  }

  void pack_rows(Stretch const& of, Scalar const* x, HeadPlaces const& places,
                 PackedRows<Factor, Space> const& to, int part, Scalar scale = 1) const {
    pack<Factors>(context_, label_, g_, of, x, places, to, part, scale);
  }
  /// Queries (with 1/√D in them), keys and values; `q_part` of the former, the other part of these.
  void pack_heads(Memory const& m, Stretch const& of, Scalar const* x, int q_part,
                  int k_part) const {
    pack_rows(of, x, query_places(g_), m.q, q_part, g_.scale);
    pack_rows(of, x, key_places(g_), m.k, k_part);
    pack_rows(of, x, value_places(g_), m.v, k_part);
  }
  template <class Finish>
  void unpack_rows(Stretch const& of, PackedRows<Scalar, Space> const& from, Scalar* x,
                   HeadPlaces const& places, Finish const& finish) const {
    unpack(context_, label_, g_, of, from, x, places, finish);
  }
  /// Queries of a block.
  template <class Finish>
  void unpack_block(Memory const& m, QueryBlock const& b, Scalar* x, HeadPlaces const& places,
                    Finish const& finish) const {
    unpack_rows({b.first_entry, b.entries, b.first, b.tokens}, block_rows(m, b), x, places, finish);
  }
  /// Of the queries of this block, which may be fewer than those of others.
  PackedRows<Scalar, Space> block_rows(Memory const& m, QueryBlock const& b) const {
    auto rows = m.of_block;
    rows.tokens = b.tokens;
    return rows;
  }

 private:
  Context<Space> const& context_;
  char const* label_;
  Geometry<Scalar> g_;
  Division by_;
  bool backward_;
  int parts_;
};

}  // namespace kyrtos::layers::attention
