// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/bucketed_sum.hpp>

#include <algorithm>

namespace kyrtos::parallel {

namespace {

/// How a bucket is cut among ranks for the ordered sum.
struct Pieces {
  std::vector<int> sizes, offsets;

  Pieces(Index length, int ranks) {
    for (int r = 0; r < ranks; ++r) {
      Index const first = length * r / ranks, last = length * (r + 1) / ranks;
      offsets.push_back(static_cast<int>(first));
      sizes.push_back(static_cast<int>(last - first));
    }
  }
};

}  // namespace

template <class Scalar, class Space>
BucketedSum<Scalar, Space>::BucketedSum(Context<Space> const& context, Index size,
                                        ReductionOptions const& options)
    : context_(context), options_(options), size_(size) {
  require<ConfigError>(options.bucket_bytes > 0, "BucketedSum: buckets must not be empty");
  if (context.communicator().size() == 1) return;
  constexpr Index longest = Index{1} << 30;  // MPI 3.1 counts are int
  bucket_ =
      std::clamp<Index>(options.bucket_bytes / static_cast<Index>(sizeof(Scalar)), 1, longest);
  count_ = static_cast<std::size_t>((size + bucket_ - 1) / bucket_);
  memory_ =
      MpiMemory<Scalar, Space>("bucketed_sum", size, transfers_in_place(context, options.work()));
  if (options.order == ReductionOptions::Order::ordered)
    pieces_.resize(static_cast<std::size_t>(bucket_ + context.communicator().size()));
  else
    transfers_ = std::vector<Transfer<Scalar, Space>>(count_);
}

template <class Scalar, class Space>
BucketedSum<Scalar, Space>::~BucketedSum() = default;

template <class Scalar, class Space>
Index BucketedSum<Scalar, Space>::begin_of(std::size_t bucket) const {
  return std::min(static_cast<Index>(bucket) * bucket_, size_);
}

template <class Scalar, class Space>
void BucketedSum<Scalar, Space>::begin(MutableVector v) {
  require(static_cast<Index>(v.size()) == size_, "BucketedSum: a vector of another size");
  for (auto& transfer : transfers_) transfer.wait();  // what an exception may have left
  v_ = v;
  memory_.attach(v);
  linalg::fill(context_, v, 0);
  waiting_ = count_;
}

template <class Scalar, class Space>
VectorSink<Scalar, Space> BucketedSum<Scalar, Space>::sink(bool is_last) {
  PartSink<Scalar, Space>& self = *this;
  return is_last ? VectorSink<Scalar, Space>(self) : VectorSink<Scalar, Space>(v_);
}

template <class Scalar, class Space>
void BucketedSum<Scalar, Space>::final_from(Index first) {
  if (options_.order == ReductionOptions::Order::ordered) return;
  while (waiting_ > 0 && begin_of(waiting_ - 1) >= first) start(--waiting_);
  for (auto& transfer : transfers_)
    if (!transfer.test()) break;
}

template <class Scalar, class Space>
void BucketedSum<Scalar, Space>::start(std::size_t bucket) {
  Index const length = begin_of(bucket + 1) - begin_of(bucket);
  transfers_[count_ - 1 - bucket].all_reduce(context_, memory_, begin_of(bucket), length);
}

template <class Scalar, class Space>
void BucketedSum<Scalar, Space>::finish() {
  if (count_ == 0) return;
  Region<Space> const region(context_, "kyrtos::bucketed_sum::finish");
  if (options_.order == ReductionOptions::Order::ordered) {
    memory_.to_mpi(context_, 0, size_);
    while (waiting_ > 0) sum_in_order(--waiting_);
  } else {
    final_from(0);
    for (auto& transfer : transfers_) transfer.wait();
    agree_on_transfers(context_);
  }
  memory_.from_mpi(context_, 0, size_);
}

/// Each rank sums its piece of the bucket over all ranks, from the first to the last, and hands the
/// sum to the others.
template <class Scalar, class Space>
void BucketedSum<Scalar, Space>::sum_in_order(std::size_t bucket) {
  auto const& ranks = context_.communicator();
  Pieces const pieces(begin_of(bucket + 1) - begin_of(bucket), ranks.size());
  int const own = pieces.sizes[static_cast<std::size_t>(ranks.rank())];
  std::vector<int> const received(static_cast<std::size_t>(ranks.size()), own);
  std::vector<int> places;
  for (int r = 0; r < ranks.size(); ++r) places.push_back(r * own);
  Scalar* const memory = memory_.at(begin_of(bucket));
  check_mpi(MPI_Alltoallv(memory, pieces.sizes.data(), pieces.offsets.data(), mpi_type<Scalar>(),
                          pieces_.data(), received.data(), places.data(), mpi_type<Scalar>(),
                          ranks.get()),
            "MPI_Alltoallv");
  for (int r = 1; r < ranks.size(); ++r)
    for (int i = 0; i < own; ++i)
      pieces_[static_cast<std::size_t>(i)] += pieces_[static_cast<std::size_t>(r * own + i)];
  check_mpi(MPI_Allgatherv(pieces_.data(), own, mpi_type<Scalar>(), memory, pieces.sizes.data(),
                           pieces.offsets.data(), mpi_type<Scalar>(), ranks.get()),
            "MPI_Allgatherv");
}

KYRTOS_INSTANTIATE(kyrtos::parallel::BucketedSum)

}  // namespace kyrtos::parallel
