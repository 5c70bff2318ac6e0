// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/random.hpp>
#include <kyrtos/optim/detail/range_kernels.hpp>

#include "../support/kokkos_watch.hpp"
#include "../support/numbers.hpp"

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <vector>

// One kernel over many ranges: every element is met once, with the numbers of its range.

namespace kyrtos::testing::range_kernels {

using Scalar = KYRTOS_TEST_SCALAR;

struct Step {
  Scalar value;
  friend bool operator==(Step const&, Step const&) = default;
};

struct Add {
  Scalar* x;
  Scalar value;
  KOKKOS_INLINE_FUNCTION void operator()(Index i) const { x[i] += value; }
};

struct Adds {
  Scalar* x;
  KOKKOS_INLINE_FUNCTION Add operator()(Step const& step) const { return {x, step.value}; }
};

using Kernels = optim::detail::RangeKernels<Step, Space>;

/// Ranges of 1 to 3000 elements with gaps between some, of so many kinds.
std::vector<Kernels::Piece> some_pieces(std::uint64_t count, std::uint64_t kinds) {
  std::vector<Kernels::Piece> pieces;
  Index at = 2;
  Philox const random{7, 1};
  for (std::uint64_t i = 0; i < count; ++i) {
    auto const size = static_cast<Index>(1 + random.bits(i) % (i % 3 == 0 ? 3000 : 5));
    pieces.push_back({at, size, {static_cast<Scalar>(1 + random.bits(1000 + i) % kinds)}});
    at += size + static_cast<Index>(i % 2);
  }
  return pieces;
}

TEST_CASE("every element of many ranges is met once, with the numbers of its range",
          "[range_kernels]") {
  Context<Space> const context(MPI_COMM_SELF);
  Kernels kernels;
  for (auto const& [count, kinds, launches] :
       {std::array<std::uint64_t, 3>{40, 2, 1}, {40, 2, 1}, {1, 1, 1}, {70, 20, 3}}) {
    auto const pieces = some_pieces(count, kinds);
    Index const size = pieces.back().offset + pieces.back().size + 3;
    Numbers wanted(static_cast<std::size_t>(size), 0.0);
    for (auto const& piece : pieces)
      for (Index i = piece.offset; i < piece.offset + piece.size; ++i)
        wanted[static_cast<std::size_t>(i)] += static_cast<double>(piece.numbers.value);
    auto const x = on_device<Scalar>(Numbers(wanted.size(), 0.0));
    auto const record =
        KokkosWatch::during([&] { kernels.run(context, "kyrtos::test", pieces, Adds{x.data()}); });
    auto const is_ours = [](auto const& kernel) { return kernel.label == "kyrtos::test"; };
    CHECK(static_cast<std::uint64_t>(
              std::count_if(record.kernels.begin(), record.kernels.end(), is_ours)) == launches);
    CHECK(on_host(x) == wanted);
  }
}

}  // namespace kyrtos::testing::range_kernels
