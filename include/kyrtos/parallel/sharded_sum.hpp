// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/parallel/part_buffers.hpp>
#include <kyrtos/parallel/rank_sum.hpp>

#include <vector>

namespace kyrtos::parallel {

/// A sum over ranks of which each keeps its slices: a part is added to in a buffer, and leaves in a
/// reduce-scatter as soon as it is final, while the pass goes on with the next.
///
/// Every pass makes its parts final: with several micro-batches as many sums are sent. Memory: as
/// ShardedSource. Collective: all ranks make the same passes. \throws Error with the words of MPI
/// or NCCL.
template <class Scalar, class Space>
class ShardedSum final : public RankSum<Scalar, Space>, private PartSink<Scalar, Space> {
 public:
  using MutableVector = VectorView<Scalar, Space>;
  using Range = ParameterLayout::Range;

  /// \param partition a split one.
  ShardedSum(Context<Space> const& context, Partition const& partition,
             ReductionOptions const& options);
  ~ShardedSum() override;
  ShardedSum(ShardedSum const&) = delete;

  void begin(MutableVector local) override;
  VectorSink<Scalar, Space> sink(bool is_last) override;
  void finish() override;

 private:
  using Buffer = typename PartBuffers<Scalar, Space>::Buffer;

  Index size() const override { return partition_.size(); }
  MutableVector target(Range range) override;
  void final_from(Index first) override;

  void start(Buffer& buffer);
  void sum_in_order(Buffer& buffer, Index piece);
  void complete(Buffer& buffer);

  Context<Space> context_;
  Partition partition_;
  ReductionOptions options_;
  MutableVector local_;
  PartBuffers<Scalar, Space> buffers_;
  std::vector<Scalar> pieces_;  // of one part from all ranks
};

}  // namespace kyrtos::parallel
