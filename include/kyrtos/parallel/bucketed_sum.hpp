// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/parallel/rank_sum.hpp>
#include <kyrtos/parallel/transfer.hpp>

#include <vector>

namespace kyrtos::parallel {

/// Sums a vector over ranks while it is still being computed from its end to its beginning, as a
/// backward pass computes a gradient.
///
/// begin(v), then final_from(i) whenever elements from i on are final, then finish(), which starts
/// the rest and waits. Buckets leave in one order on all ranks, from the last to the first,
/// whichever of them call final_from() and when. Free of cost on one rank.
///
/// final_from() starts a Transfer when a bucket may leave, and gives MPI a chance to progress.
/// Collective but for final_from(). \throws Error with the words of MPI or NCCL.
template <class Scalar, class Space>
class BucketedSum final : public RankSum<Scalar, Space>, private PartSink<Scalar, Space> {
 public:
  using MutableVector = VectorView<Scalar, Space>;
  using Range = ParameterLayout::Range;

  BucketedSum(Context<Space> const& context, Index size, ReductionOptions const& options = {});
  ~BucketedSum() override;
  BucketedSum(BucketedSum const&) = delete;

  void begin(MutableVector v) override;
  /// Only the last pass over v makes anything final.
  VectorSink<Scalar, Space> sink(bool is_last) override;
  void final_from(Index first) override;
  void finish() override;

 private:
  Index size() const override { return size_; }
  MutableVector target(Range range) override { return slice(v_, range.offset, range.size); }

  Index begin_of(std::size_t bucket) const;
  void start(std::size_t bucket);
  void sum_in_order(std::size_t bucket);

  Context<Space> context_;
  ReductionOptions options_;
  Index size_, bucket_ = 1;
  std::size_t count_ = 0;    // of buckets
  std::size_t waiting_ = 0;  // buckets [0, waiting_) have not left
  MutableVector v_;
  MpiMemory<Scalar, Space> memory_;
  std::vector<Scalar> pieces_;
  std::vector<Transfer<Scalar, Space>> transfers_;  // in the order in which buckets leave
};

}  // namespace kyrtos::parallel
