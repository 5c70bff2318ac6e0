// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/partition.hpp>
#include <kyrtos/core/vector_access.hpp>

#include <memory>

namespace kyrtos::parallel {

struct ReductionOptions {
  enum class Order {
    library,  ///< MPI's own reductions, while the rest is still being computed.
    /// Summed rank by rank, afterwards: the same bits from run to run with any MPI.
    ordered,
  } order = Order::library;
  /// A bucket is sent when all of it is final. Smaller ones start earlier and cost more latency.
  Index bucket_bytes = Index{4} << 20;

  MpiWork work() const { return order == Order::ordered ? MpiWork::ordered_sums : MpiWork::sums; }
};

/// A vector that backward passes of all ranks add to, and that ends as their sum:
///
///     sum.begin(v);
///     for each micro-batch: model.gradient(…, sum.sink(it is the last));
///     sum.finish();
///
/// The sum is under way while the passes compute. All functions are collective.
template <class Scalar, class Space>
class RankSum {
 public:
  using MutableVector = VectorView<Scalar, Space>;

  virtual ~RankSum() = default;

  /// The sum goes to v, which starts from zero.
  virtual void begin(MutableVector v) = 0;
  virtual VectorSink<Scalar, Space> sink(bool is_last) = 0;
  /// Waits for the sum.
  virtual void finish() = 0;
};

/// Of a whole vector on every rank (BucketedSum), or of a split one (ShardedSum).
template <class Scalar, class Space>
std::unique_ptr<RankSum<Scalar, Space>> make_rank_sum(Context<Space> const& context,
                                                      Partition const& partition,
                                                      ReductionOptions const& options);

}  // namespace kyrtos::parallel
