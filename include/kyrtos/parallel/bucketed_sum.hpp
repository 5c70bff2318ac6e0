// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <vector>

namespace kyrtos {

struct ReductionOptions {
  enum class Order {
    library,  ///< MPI's own all-reduce, while the rest is still being computed.
    /// Summed rank by rank, afterwards: the same bits from run to run with any MPI.
    ordered,
  } order = Order::library;
  /// A bucket is sent when all of it is final. Smaller ones start earlier and cost more latency.
  Index bucket_bytes = Index{4} << 20;
};

/// Sums a vector over ranks while it is still being computed from its end to its beginning, as a
/// backward pass computes a gradient.
///
/// begin(v), then final_from(i) whenever elements from i on are final, then finish(), which starts
/// the rest and waits. Buckets leave in one order on all ranks, from the last to the first,
/// whichever of them call final_from() and when. Where MPI can't read the memory of the execution
/// space, buckets go through host memory. Free of cost on one rank.
///
/// final_from() waits for the instance when a bucket leaves, and gives MPI a chance to progress.
/// Collective but for final_from(). \throws Error with MPI's own text.
template <class Scalar, class Space>
class BucketedSum {
 public:
  using MutableVector = VectorView<Scalar, Space>;

  BucketedSum(Context<Space> const& context, Index size, ReductionOptions const& options = {});
  ~BucketedSum();
  BucketedSum(BucketedSum const&) = delete;

  void begin(MutableVector v);
  void final_from(Index first);
  void finish();

 private:
  static constexpr bool is_direct = compat::is_host_accessible<Space>;
  using Staging = Kokkos::View<Scalar*, Kokkos::LayoutRight, Kokkos::HostSpace>;

  Index begin_of(std::size_t bucket) const;
  Scalar* memory_of(std::size_t bucket) const;
  void start(std::size_t bucket);
  void sum_in_order(std::size_t bucket);

  Context<Space> context_;
  ReductionOptions options_;
  Index size_, bucket_ = 1;
  std::size_t count_ = 0;    // of buckets
  std::size_t waiting_ = 0;  // buckets [0, waiting_) have not left
  MutableVector v_;
  Staging staging_;
  std::vector<Scalar> pieces_;
  std::vector<MPI_Request> requests_;
};

}  // namespace kyrtos
