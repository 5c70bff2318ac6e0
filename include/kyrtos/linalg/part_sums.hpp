// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/partition.hpp>
#include <kyrtos/linalg/range_sums.hpp>

#include <algorithm>
#include <span>
#include <vector>

namespace kyrtos::linalg {

/// Sums over each of some ranges of a vector of the parameters (tensors, or the parts of a model),
/// restricted to what an optimiser moves, over all ranks.
template <class Space>
class PartSums {
 public:
  using Range = ParameterLayout::Range;

  /// \param ranges of the whole vector.
  PartSums(Partition const& partition, std::vector<Range> const& ranges)
      : partition_(partition), ranges_(ranges) {}

  /// For each range the K sums of terms[j](i) over its elements i that lie in moved[j], ranges of
  /// this rank's local vector. What is moved with equal terms takes one kernel, and waits for the
  /// instance once; collective where the vector is split.
  template <int K, class Term>
  std::vector<std::array<double, K>> sum(Context<Space> const& context, char const* label,
                                         std::vector<Range> const& moved,
                                         std::vector<Term> const& terms) {
    std::vector<Term> kinds;
    std::vector<std::size_t> kind_of;
    for (auto const& one : terms) {
      kind_of.push_back(
          static_cast<std::size_t>(std::find(kinds.begin(), kinds.end(), one) - kinds.begin()));
      if (kind_of.back() == kinds.size()) kinds.push_back(one);
    }
    prepare(context, moved, kind_of, kinds.size());
    std::vector<std::array<double, K>> total(ranges_.size(), std::array<double, K>{});
    for (std::size_t kind = 0; kind < kinds.size(); ++kind) {
      auto const sums = sums_[kind].template sum<K>(context, label, kinds[kind]);
      for (std::size_t i = 0; i < sums.size(); ++i)
        for (std::size_t k = 0; k < K; ++k) total[owners_[kind][i]][k] += sums[i][k];
    }
    if (partition_.is_split())
      context.communicator().sum(std::span(total.front().data(), total.size() * K));
    return total;
  }

 private:
  /// Where the ranges meet what is moved, by kinds: anew when that has changed.
  void prepare(Context<Space> const& context, std::vector<Range> const& moved,
               std::vector<std::size_t> const& kind_of, std::size_t kinds) {
    auto const same = [](Range const& a, Range const& b) {
      return a.offset == b.offset && a.size == b.size;
    };
    if (kind_of == kind_of_ &&
        std::equal(moved.begin(), moved.end(), moved_.begin(), moved_.end(), same))
      return;
    moved_ = moved;
    kind_of_ = kind_of;
    owners_.assign(kinds, {});
    std::vector<std::vector<Range>> common(kinds);
    for (std::size_t j = 0; j < moved.size(); ++j)
      for (std::size_t r = 0; r < ranges_.size(); ++r)
        for (auto const& s : partition_.slices(ranges_[r])) {
          Index const begin = std::max(s.local, moved[j].offset),
                      end = std::min(s.local + s.size, moved[j].offset + moved[j].size);
          if (begin >= end) continue;
          common[kind_of[j]].push_back({begin, end - begin});
          owners_[kind_of[j]].push_back(r);
        }
    sums_.clear();
    for (auto const& one : common) sums_.emplace_back(context, one);
  }

  Partition partition_;
  std::vector<Range> ranges_, moved_;
  std::vector<std::size_t> kind_of_;
  std::vector<RangeSums<Space>> sums_;            // one for each kind
  std::vector<std::vector<std::size_t>> owners_;  // of each of its sums the range
};

}  // namespace kyrtos::linalg
