// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/parallel/sharded_sum.hpp>

namespace kyrtos::parallel {

template <class Scalar, class Space>
ShardedSum<Scalar, Space>::ShardedSum(Context<Space> const& context, Partition const& partition,
                                      ReductionOptions const& options)
    : context_(context),
      partition_(partition),
      options_(options),
      buffers_(context, partition, "sharded_sum", options.work()) {
  if (options.order != ReductionOptions::Order::ordered) return;
  std::size_t largest = 0;
  for (auto const& buffer : buffers_) largest = std::max(largest, buffer.values.size());
  pieces_.resize(largest);
}

template <class Scalar, class Space>
ShardedSum<Scalar, Space>::~ShardedSum() {
  for (auto& buffer : buffers_) buffer.transfer.settle();
}

template <class Scalar, class Space>
void ShardedSum<Scalar, Space>::begin(MutableVector local) {
  require(static_cast<Index>(local.size()) == partition_.local_size(),
          "ShardedSum: a vector of another size than the partition's");
  for (auto& buffer : buffers_) {  // what an exception may have left
    buffer.transfer.wait();
    buffer.part = buffers_.none;
    buffer.is_in_use = false;
  }
  local_ = local;
  linalg::fill(context_, local_, 0);
}

template <class Scalar, class Space>
VectorSink<Scalar, Space> ShardedSum<Scalar, Space>::sink(bool) {
  PartSink<Scalar, Space>& self = *this;
  return self;
}

template <class Scalar, class Space>
auto ShardedSum<Scalar, Space>::target(Range range) -> MutableVector {
  std::size_t const part = partition_.part_of(range);
  auto const& p = partition_.parts()[part];
  auto* buffer = buffers_.find(part);
  if (buffer == nullptr || !buffer->is_in_use) {
    Index const size = p.slice * partition_.ranks();
    buffer = &buffers_.take(size);
    complete(*buffer);
    buffer->part = part;
    buffer->is_in_use = true;
    linalg::fill(context_, slice(buffer->values, 0, size), 0);
  }
  return slice(buffer->values, range.offset - p.range.offset, range.size);
}

template <class Scalar, class Space>
void ShardedSum<Scalar, Space>::final_from(Index first) {
  for (auto& buffer : buffers_) {
    if (buffer.is_in_use && partition_.parts()[buffer.part].range.offset >= first)
      start(buffer);
    else
      buffer.transfer.test();
  }
}

template <class Scalar, class Space>
void ShardedSum<Scalar, Space>::start(Buffer& buffer) {
  Index const length = partition_.parts()[buffer.part].slice;
  buffer.is_in_use = false;
  if (options_.order == ReductionOptions::Order::ordered) return sum_in_order(buffer, length);
  buffer.sum = buffer.transfer.reduce_scatter(context_, buffer.memory, length);
}

/// Each rank adds what all ranks have for its slice, from the first to the last.
template <class Scalar, class Space>
void ShardedSum<Scalar, Space>::sum_in_order(Buffer& buffer, Index length) {
  buffer.memory.to_mpi(context_, 0, length * partition_.ranks());
  int const count = static_cast<int>(length);
  check_mpi(MPI_Alltoall(buffer.memory.at(0), count, mpi_type<Scalar>(), pieces_.data(), count,
                         mpi_type<Scalar>(), context_.communicator().get()),
            "MPI_Alltoall");
  for (int r = 1; r < partition_.ranks(); ++r)
    for (Index i = 0; i < length; ++i)
      pieces_[static_cast<std::size_t>(i)] += pieces_[static_cast<std::size_t>(r * length + i)];
  using Host = Kokkos::View<Scalar const*, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;
  Kokkos::deep_copy(context_.space(), slice(buffer.values, 0, length),
                    Host(pieces_.data(), static_cast<std::size_t>(length)));
  buffer.sum = 0;
  complete(buffer);
}

/// Adds a sum that has arrived to this rank's slice.
template <class Scalar, class Space>
void ShardedSum<Scalar, Space>::complete(Buffer& buffer) {
  if (buffer.part == buffers_.none) return;
  auto const& p = partition_.parts()[buffer.part];
  if (buffer.transfer.is_under_way()) {
    buffer.transfer.wait();
    buffer.memory.from_mpi(context_, buffer.sum, p.slice);
  }
  linalg::axpy(context_, 1, slice(buffer.values, buffer.sum, p.slice),
               slice(local_, p.local, p.slice));
  buffer.part = buffers_.none;
}

template <class Scalar, class Space>
void ShardedSum<Scalar, Space>::finish() {
  final_from(0);
  for (auto& buffer : buffers_) complete(buffer);
  agree_on_transfers(context_);
}

KYRTOS_INSTANTIATE(kyrtos::parallel::ShardedSum)

}  // namespace kyrtos::parallel
