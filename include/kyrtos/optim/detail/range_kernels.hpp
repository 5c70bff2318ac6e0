// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <algorithm>
#include <vector>

namespace kyrtos::optim::detail {

/// A range: how many elements those before it have, where it begins, and its kind.
struct RangeRow {
  Index before, offset, kind;
  friend bool operator==(RangeRow const&, RangeRow const&) = default;
};

/// The numbers of some kinds.
template <class Numbers>
struct KindNumbers {
  static constexpr std::size_t most = 8;
  Numbers of[most];
};

/// A step of one element, with the numbers of its range.
template <class Step>
struct StepOfRange {
  Step step;

  template <class Numbers>
  KOKKOS_INLINE_FUNCTION Step operator()(Numbers const& numbers) const {
    auto one = step;
    one.of_range = numbers;
    return one;
  }
};
template <class Step>
StepOfRange(Step) -> StepOfRange<Step>;

/// of(numbers)(i) for the n elements i of the table's ranges: on a host in chunks whose inner loop
/// uses vector registers.
template <class Numbers, class Space, class Of>
void over_rows(Context<Space> const& context, char const* label,
               VectorView<RangeRow const, Space> const& table, Index n,
               KindNumbers<Numbers> const& kinds, Of const& of) {
  constexpr Index chunk = compat::runs_on_host<Space> ? 1024 : 1;
  RangeRow const* const rows = table.data();
  auto const count = static_cast<Index>(table.size());
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(
      label, Range(context.space(), 0, (n + chunk - 1) / chunk), KOKKOS_LAMBDA(Index block) {
        Index at = block * chunk, row = 0;
        Index const end = at + chunk < n ? at + chunk : n;
        for (Index step = count; step > 0;
             step /= 2)  // to the last row that begins at `at` or before
          while (row + step < count && rows[row + step].before <= at) row += step;
        for (; at < end; ++row) {
          bool const is_last = row + 1 == count || rows[row + 1].before > end;
          Index const stop = is_last ? end : rows[row + 1].before;
          Index const shift = rows[row].offset - rows[row].before;
          auto const body = of(kinds.of[rows[row].kind]);
          KYRTOS_SIMD
          for (Index i = at + shift; i < stop + shift; ++i) body(i);
          at = stop;
        }
      });
}

/// One kernel over many ranges of a vector that differ in a few numbers, such as their learning
/// rate: a model has a hundred ranges and more, but of few kinds.
///
/// The numbers of up to `most_kinds` kinds are arguments of a kernel, and a table in its memory
/// says where ranges lie; it is copied (and waited for) where ranges or their kinds have changed.
template <class Numbers, class Space>
class RangeKernels {
 public:
  struct Piece {
    Index offset, size;  ///< Ranges that are not empty.
    Numbers numbers;     ///< With ==.
  };

  /// of(numbers)(i) for the elements i of each piece.
  template <class Of>
  void run(Context<Space> const& context, char const* label, std::vector<Piece> const& pieces,
           Of const& of) {
    std::vector<Numbers> kinds;
    std::vector<std::size_t> kind_of;
    for (auto const& piece : pieces) {
      auto const found = std::find(kinds.begin(), kinds.end(), piece.numbers);
      kind_of.push_back(static_cast<std::size_t>(found - kinds.begin()));
      if (found == kinds.end()) kinds.push_back(piece.numbers);
    }
    for (std::size_t first = 0; first < kinds.size(); first += most_kinds) {
      if (tables_.size() <= first / most_kinds) tables_.emplace_back();
      auto& table = tables_[first / most_kinds];
      std::vector<Row> rows;
      Index count = 0;
      for (std::size_t i = 0; i < pieces.size(); ++i) {
        if (kind_of[i] < first || kind_of[i] >= first + most_kinds) continue;
        rows.push_back({count, pieces[i].offset, static_cast<Index>(kind_of[i] - first)});
        count += pieces[i].size;
      }
      table.set(context, rows);
      Kinds some{};
      std::copy_n(kinds.begin() + static_cast<std::ptrdiff_t>(first),
                  std::min(most_kinds, kinds.size() - first), some.of);
      over_rows<Numbers, Space>(context, label, table.rows, count, some, of);
    }
  }

 private:
  using Row = RangeRow;
  using Kinds = KindNumbers<Numbers>;
  static constexpr std::size_t most_kinds = Kinds::most;
  struct Table {
    std::vector<Row> host;
    Vector<Row, Space> rows;

    void set(Context<Space> const& context, std::vector<Row> const& wanted) {
      if (host == wanted) return;
      if (rows.size() != wanted.size())
        rows = context.template allocate<Vector<Row, Space>>("optimizer::ranges", wanted.size());
      host = wanted;
      using Host = Kokkos::View<Row const*, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;
      Kokkos::deep_copy(context.space(), rows, Host(host.data(), host.size()));
      context.fence("kyrtos::RangeKernels");
    }
  };

  std::vector<Table> tables_;
};

}  // namespace kyrtos::optim::detail
