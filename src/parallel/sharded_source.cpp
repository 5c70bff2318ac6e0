// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/parallel/sharded_source.hpp>

namespace kyrtos::parallel {

template <class Scalar, class Space>
ShardedSource<Scalar, Space>::ShardedSource(Context<Space> const& context,
                                            Partition const& partition)
    : context_(context),
      partition_(partition),
      sent_("sharded_source::sent", partition.local_size(),
            transfers_in_place(context, MpiWork::copies)),
      buffers_(context, partition, "sharded_source", MpiWork::copies) {}

template <class Scalar, class Space>
ShardedSource<Scalar, Space>::~ShardedSource() {
  for (auto& buffer : buffers_) buffer.transfer.settle();
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
  buffer.transfer.all_gather(context_, sent_, p.local, p.slice, buffer.memory);
  return buffer;
}

template <class Scalar, class Space>
void ShardedSource<Scalar, Space>::wait(Buffer& buffer) {
  if (!buffer.transfer.is_under_way()) return;
  buffer.transfer.wait();
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
