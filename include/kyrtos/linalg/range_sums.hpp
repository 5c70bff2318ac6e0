// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/linalg/detail/chunk_sums.hpp>

#include <algorithm>
#include <array>
#include <vector>

namespace kyrtos::linalg {

namespace detail {

/// Entries of a table of beginnings and ends.
struct ChunkOfTable {
  Index const* table;

  KOKKOS_INLINE_FUNCTION Chunk operator()(Index chunk) const {
    return {table[2 * chunk], table[2 * chunk + 1]};
  }
};

}  // namespace detail

/// Sums over each of many ranges of a vector in one kernel, such as the norms of all tensors of a
/// flat parameter vector.
///
/// The ranges are cut into chunks once; each chunk is summed in double precision, then the chunks
/// of a range are: the same bits on any number of threads.
template <class Space>
class RangeSums {
 public:
  using Range = ParameterLayout::Range;

  RangeSums() = default;
  /// \param ranges of local vectors, in any order; an empty one sums to zero.
  RangeSums(Context<Space> const& context, std::vector<Range> const& ranges)
      : count_(ranges.size()) {
    Index total = 0;
    for (auto const& range : ranges) total += range.size;
    Index const length = std::max<Index>(1024, total / most_chunks + 1);
    for (std::size_t r = 0; r < ranges.size(); ++r)
      for (Index begin = 0; begin < ranges[r].size; begin += length) {
        begins_.push_back(ranges[r].offset + begin);
        begins_.push_back(ranges[r].offset + std::min(begin + length, ranges[r].size));
        owners_.push_back(r);
      }
    chunks_ = context.template allocate<Vector<Index, Space>>("range_sums",
                                                              static_cast<Index>(begins_.size()));
    if (chunks_.data() == nullptr || begins_.empty()) return;
    using Host = Kokkos::View<Index const*, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;
    Kokkos::deep_copy(context.space(), chunks_, Host(begins_.data(), begins_.size()));
    context.fence("kyrtos::RangeSums");
  }

  /// For each range the K sums of terms(i) over its elements i. Waits for the instance.
  template <int K, class F>
  std::vector<std::array<double, K>> sum(Context<Space> const& context, char const* label,
                                         F const& terms) const {
    std::vector<std::array<double, K>> sums(count_, std::array<double, K>{});
    static_assert(K <= most_sums);
    auto const chunks = static_cast<Index>(owners_.size());
    constexpr Index at_once = Context<Space>::reduction_buffer_size / K;  // all, but for thousands
    for (Index first = 0; first < chunks; first += at_once) {
      Index const end = std::min(first + at_once, chunks);
      detail::sum_chunks<K>(context, label, end - first,
                            detail::ChunkOfTable{chunks_.data() + 2 * first}, terms);
      auto const found = context.reduced((end - first) * K, label);
      for (Index chunk = first; chunk < end; ++chunk)
        for (int k = 0; k < K; ++k)
          sums[owners_[static_cast<std::size_t>(chunk)]][static_cast<std::size_t>(k)] +=
              found((chunk - first) * K + k);
    }
    return sums;
  }

 private:
  static constexpr Index most_sums = 4;
  static constexpr Index most_chunks = Context<Space>::reduction_buffer_size / most_sums / 2;

  std::size_t count_ = 0;
  std::vector<Index> begins_;        // of each chunk its begin and its end
  std::vector<std::size_t> owners_;  // the range of each chunk
  Vector<Index, Space> chunks_;      // begins_ where kernels read it
};

}  // namespace kyrtos::linalg
