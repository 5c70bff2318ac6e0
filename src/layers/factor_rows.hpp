// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/linalg/rounded_products.hpp>

#include <initializer_list>
#include <type_traits>

/// \file
/// \brief Kernels that round factors of products while they go over rows for another reason: where
/// sums of products start, and sums over columns.

namespace kyrtos::layers::detail {

/// A matrix without padding, and where its rounded elements go.
template <class Scalar>
struct FactorRows {
  Scalar const* from = nullptr;
  int columns = 0;
  linalg::RoundedRows to = {};

  FactorRows() = default;
  template <class View>
  explicit FactorRows(View const& matrix, linalg::RoundedRows const& rounded = {})
      : from(matrix.data()), columns(static_cast<int>(matrix.extent(1))), to(rounded) {}
};

/// Those of a pass that are to be rounded: a few.
template <class Scalar>
struct FactorsToRound {
  static constexpr int most = 4;
  FactorRows<Scalar> all[most];
  int count = 0;

  FactorsToRound() = default;
  FactorsToRound(std::initializer_list<FactorRows<Scalar>> factors) {
    for (auto const& factor : factors)
      if (factor.to.data != nullptr) all[count++] = factor;
  }
  /// That rounding them moves.
  double bytes(Index rows) const {
    double sum = 0;
    for (int i = 0; i < count; ++i) {
      auto const format =
          all[i].to.is_bfloat16 ? linalg::FactorFormat::bfloat16 : linalg::FactorFormat::tf32;
      sum += linalg::rounding_bytes(format, static_cast<double>(rows * all[i].columns));
    }
    return sum;
  }
  void put_first(FactorRows<Scalar> const& factor) {
    for (int i = count++; i > 0; --i) all[i] = all[i - 1];
    all[0] = factor;
  }
};

/// Rounds a row.
template <class Space, class Scalar>
KOKKOS_INLINE_FUNCTION void round_row(RowMember<Space> const& member,
                                      FactorRows<Scalar> const& factor, Index row) {
  if constexpr (std::is_same_v<Scalar, float>) {
    float const* const x = factor.from + row * factor.columns;
    auto* const in_bfloat16 = factor.to.in_bfloat16(row);
    auto* const in_tf32 = factor.to.in_tf32(row);
    if (factor.to.is_bfloat16)
      row_for<Space>(member, factor.columns,
                     [=](Index j) { in_bfloat16[j] = linalg::to_bfloat16(x[j]); });
    else
      row_for<Space>(member, factor.columns, [=](Index j) { in_tf32[j] = linalg::to_tf32(x[j]); });
  }
}

/// y ← 1 bᵀ + M, of what there is of the two; without y nothing. Rounds factors with as many rows.
template <class Scalar, class Space>
void start_rows(Context<Space> const& context, char const* label, Index rows,
                linalg::Addends<Scalar, Space> const& from, MatrixView<Scalar, Space> const& y,
                FactorsToRound<Scalar> const& factors) {
  bool const starts = y.size() > 0;
  if (!starts && factors.count == 0) return;
  auto const columns = static_cast<Index>(y.extent(1));
  Rows const y_rows(y);
  Rows const added_rows(from.matrix);
  Scalar const* const bias = from.bias.data();
  for_each_row(
      context, label, rows, KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar* const to = y_rows(row);
        Scalar const* const added = added_rows(row);
        Scalar const* const from = added != nullptr ? added : bias;
        if (starts && added != nullptr && bias != nullptr)
          row_for<Space>(member, columns, [=](Index j) { to[j] = added[j] + bias[j]; });
        else if (starts)
          row_for<Space>(member, columns, [=](Index j) { to[j] = from[j]; });
        for (int i = 0; i < factors.count; ++i) round_row<Space>(member, factors.all[i], row);
      });
}

/// Columns that a team sums over the rows of a chunk: on devices one a lane, which keeps the sum in
/// a register and has all rows under way at once. A host's caches hold the sums of whole rows.
template <class Space>
inline constexpr int column_tile = RowTraits<Space>::on_host ? 1 << 30 : 32;
template <class Space>
KOKKOS_INLINE_FUNCTION int column_tiles(int columns) {
  constexpr int tile = column_tile<Space>;
  return (columns + tile - 1) / tile;
}

/// Column sums of a matrix over some of its rows, where `sums` is not null; and rounding.
template <class Space, class Scalar>
KOKKOS_INLINE_FUNCTION void sum_tile(RowMember<Space> const& member,
                                     FactorRows<Scalar> const& factor, Scalar* sums, Index begin,
                                     Index end, int first, int width) {
  if constexpr (RowTraits<Space>::on_host) {
    if (sums != nullptr) row_for<Space>(member, width, [=](Index j) { sums[j] = 0; });
    for (Index row = begin; row < end; ++row) {
      Scalar const* const x = factor.from + row * factor.columns;
      if (sums != nullptr) row_for<Space>(member, width, [=](Index j) { sums[j] += x[j]; });
      if (factor.to.data != nullptr) round_row<Space>(member, factor, row);
    }
  } else {
    row_for<Space>(member, width, [=](Index j) {
      Index const column = first + j;
      Scalar sum = 0;
      for (Index row = begin; row < end; ++row) {
        Scalar const x = factor.from[row * factor.columns + column];
        sum += x;
        if constexpr (std::is_same_v<Scalar, float>)
          if (factor.to.data != nullptr) factor.to.store(row, column, x);
      }
      if (sums != nullptr) sums[column] = sum;
    });
  }
}

/// target(j) += Σ_rows x(row, j), in two stages and a fixed order, unless the target is empty. In
/// the first x, of so many rows, is rounded, and other factors with as many.
template <class Scalar, class Space>
void add_column_sums(Context<Space> const& context, char const* label, Index rows,
                     FactorRows<Scalar> const& x, VectorView<Scalar, Space> const& target,
                     FactorsToRound<Scalar> factors = {}) {
  bool const has_target = target.size() > 0;
  if (has_target || x.to.data != nullptr) factors.put_first(x);
  Index tiles = 0;
  for (int i = 0; i < factors.count; ++i) tiles += column_tiles<Space>(factors.all[i].columns);
  if (tiles == 0) return;
  Index const chunks = has_target ? chunks_of<Space>(rows) : 0;
  auto const partial = as_matrix(context.template scratch<Scalar>(chunks * x.columns), 0, chunks,
                                 static_cast<Index>(x.columns));
  Rows const partial_rows(partial);
  constexpr Index length = RowBlocks<Space>::chunk;
  run_small_kernel<Space>(
      label, row_policy(context, chunks_of<Space>(rows) * tiles),
      KOKKOS_LAMBDA(RowMember<Space> const& member) {
        Index const chunk = member.league_rank() / tiles, begin = chunk * length;
        Index const end = begin + length < rows ? begin + length : rows;
        int place = static_cast<int>(member.league_rank() % tiles), which = 0;
        auto factor = factors.all[0];
        for (int i = 1; i < FactorsToRound<Scalar>::most; ++i) {
          int const before = column_tiles<Space>(factor.columns);
          if (i < factors.count && which == i - 1 && place >= before) {
            place -= before;
            which = i;
            factor = factors.all[i];
          }
        }
        bool const sums = has_target && which == 0;
        int const first = place * column_tile<Space>, rest = factor.columns - first;
        sum_tile<Space>(member, factor, sums ? partial_rows(chunk) : nullptr, begin, end, first,
                        rest < column_tile<Space> ? rest : column_tile<Space>);
      });
  if (has_target) add_partial_sums(context, label, partial, target);
}

/// The same of a matrix that is no factor.
template <class Scalar, class Space>
void add_column_sums(Context<Space> const& context, char const* label,
                     MatrixView<Scalar const, Space> const& x,
                     VectorView<Scalar, Space> const& target) {
  add_column_sums<Scalar>(context, label, static_cast<Index>(x.extent(0)), FactorRows<Scalar>(x),
                          target);
}

}  // namespace kyrtos::layers::detail
