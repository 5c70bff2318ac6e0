// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/parallel/sharded_source.hpp>

namespace kyrtos::parallel {

template <class Scalar, class Space>
ShardedSource<Scalar, Space>::ShardedSource(Context<Space> const& context,
                                            Partition const& partition)
    : context_(context),
      partition_(partition),
      sent_(context, "sharded_source::sent", partition.local_size(), MpiWork::copies),
      buffers_(context, partition, "sharded_source", MpiWork::copies) {}

template <class Scalar, class Space>
ShardedSource<Scalar, Space>::~ShardedSource() {
  for (auto& buffer : buffers_) MPI_Wait(&buffer.request, MPI_STATUS_IGNORE);
}

template <class Scalar, class Space>
void ShardedSource<Scalar, Space>::begin(ConstVector local) {
  require(static_cast<Index>(local.size()) == partition_.local_size(),
          "ShardedSource: a vector of another size than the partition's");
  for (auto& buffer : buffers_) {
    wait(buffer);
    buffer.part = buffers_.none;
    buffer.is_in_use = false;
  }
  local_ = local;
  // MPI reads it only; its interface wants to be given what it could write.
  sent_.attach(VectorView<Scalar, Space>(const_cast<Scalar*>(local.data()), local.size()));
  last_ = {buffers_.none, buffers_.none};
}

template <class Scalar, class Space>
auto ShardedSource<Scalar, Space>::gather(Range range) -> ConstVector {
  std::size_t const part = partition_.part_of(range);
  auto* buffer = buffers_.find(part);
  if (buffer == nullptr) buffer = &start(part);
  wait(*buffer);
  if (part != last_.second) {
    following_[last_] = part;
    last_ = {last_.second, part};
    for (auto& other : buffers_) other.is_in_use = &other == buffer;
    look_ahead();
  }
  Index const offset = range.offset - partition_.parts()[part].range.offset;
  return slice(buffer->values, offset, range.size);
}

/// Starts to gather a part from all ranks.
template <class Scalar, class Space>
auto ShardedSource<Scalar, Space>::start(std::size_t part) -> Buffer& {
  auto const& p = partition_.parts()[part];
  auto& buffer = buffers_.take(p.slice * partition_.ranks());
  wait(buffer);
  buffer.part = part;
  sent_.to_mpi(context_, p.local, p.slice);  // also waits for those who read the buffer
  int const count = static_cast<int>(p.slice);
  check_mpi(MPI_Iallgather(sent_.at(p.local), count, mpi_type<Scalar>(), buffer.memory.at(0), count,
                           mpi_type<Scalar>(), context_.communicator().get(), &buffer.request),
            "MPI_Iallgather");
  return buffer;
}

template <class Scalar, class Space>
void ShardedSource<Scalar, Space>::wait(Buffer& buffer) {
  if (buffer.request == MPI_REQUEST_NULL) return;
  check_mpi(MPI_Wait(&buffer.request, MPI_STATUS_IGNORE), "MPI_Wait");
  buffer.memory.from_mpi(context_, 0, static_cast<Index>(buffer.values.size()));
}

/// Gathers what came next the last time, unless it is there.
template <class Scalar, class Space>
void ShardedSource<Scalar, Space>::look_ahead() {
  auto const next = following_.find(last_);
  if (next != following_.end() && buffers_.find(next->second) == nullptr) start(next->second);
}

KYRTOS_INSTANTIATE(kyrtos::parallel::ShardedSource)

}  // namespace kyrtos::parallel
