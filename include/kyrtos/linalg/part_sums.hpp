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

  /// For each range the K sums of terms_of(j)(i) over its elements i that lie in moved[j], ranges
  /// of this rank's local vector. Waits for the instance; collective where the vector is split.
  template <int K, class TermsOf>
  std::vector<std::array<double, K>> sum(Context<Space> const& context, char const* label,
                                         std::vector<Range> const& moved, TermsOf const& terms_of) {
    prepare(context, moved);
    std::vector<std::array<double, K>> total(ranges_.size(), std::array<double, K>{});
    for (std::size_t j = 0; j < moved.size(); ++j) {
      auto const sums = sums_[j].template sum<K>(context, label, terms_of(j));
      for (std::size_t i = 0; i < sums.size(); ++i)
        for (std::size_t k = 0; k < K; ++k) total[owners_[j][i]][k] += sums[i][k];
    }
    if (partition_.is_split())
      context.communicator().sum(std::span(total.front().data(), total.size() * K));
    return total;
  }

 private:
  /// Where the ranges meet what is moved: anew when that has changed.
  void prepare(Context<Space> const& context, std::vector<Range> const& moved) {
    auto const same = [](Range const& a, Range const& b) {
      return a.offset == b.offset && a.size == b.size;
    };
    if (!sums_.empty() &&
        std::equal(moved.begin(), moved.end(), moved_.begin(), moved_.end(), same))
      return;
    moved_ = moved;
    sums_.clear();
    owners_.clear();
    for (auto const& one : moved) {
      std::vector<Range> common;
      auto& owners = owners_.emplace_back();
      for (std::size_t r = 0; r < ranges_.size(); ++r)
        for (auto const& s : partition_.slices(ranges_[r])) {
          Index const begin = std::max(s.local, one.offset),
                      end = std::min(s.local + s.size, one.offset + one.size);
          if (begin >= end) continue;
          common.push_back({begin, end - begin});
          owners.push_back(r);
        }
      sums_.emplace_back(context, common);
    }
  }

  Partition partition_;
  std::vector<Range> ranges_, moved_;
  std::vector<RangeSums<Space>> sums_;            // one for each moved range
  std::vector<std::vector<std::size_t>> owners_;  // of each of its sums the range
};

}  // namespace kyrtos::linalg
