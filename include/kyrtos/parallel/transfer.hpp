// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/parallel/message_stream.hpp>
#include <kyrtos/parallel/mpi_memory.hpp>
#include <kyrtos/parallel/nccl.hpp>

namespace kyrtos::parallel {

/// A collective operation on memory of kernels, by MPI or NCCL, that is under way while kernels go
/// on. One at a time; its memory is attached and stays alone until wait().
///
/// By MPI it begins when the kernels before it are done, for which the host waits. By NCCL the
/// operation waits for the kernels, and the host in wait() for the operation alone: kernels that
/// were enqueued in the meantime go on.
///
/// All ranks start the same operations in the same order. \throws Error with MPI's or NCCL's words.
/// Where NCCL fails on one rank, all throw: in the operation, in wait() or in agree_on_transfers(),
/// to which the others must come.
template <class Scalar, class Space>
class Transfer {
 public:
  using Memory = MpiMemory<Scalar, Space>;

  /// Elements [begin, begin + size) become their sums over the ranks.
  void all_reduce(Context<Space> const& context, Memory const& memory, Index begin, Index size);

  /// Of the first `ranks` slices of a memory, the r-th is summed for rank r. \return where this
  /// rank's sum will be; the rest is then undefined.
  Index reduce_scatter(Context<Space> const& context, Memory const& memory, Index slice);

  /// Elements [begin, begin + slice) of every rank, one rank after the other.
  void all_gather(Context<Space> const& context, Memory const& sent, Index begin, Index slice,
                  Memory const& received);

  /// Started, and not waited for.
  bool is_under_way() const { return is_under_way_; }

  /// Gives MPI a chance to progress, for all operations. \return whether this one is done, as far
  /// as the host knows.
  bool test();

  /// Results may be read by kernels that are enqueued afterwards, but for staged memory.
  void wait();

  /// Waits while the memory is in use, whatever went wrong.
  void settle() noexcept;

 private:
  template <class Start>
  void start(Context<Space> const& context, NcclRanks<Space>& nccl, Start const& operation);

  NcclRanks<Space>* nccl_ = nullptr;  // while it is under way there
  typename MessageStream<Space>::Mark mark_;
  MPI_Request request_ = MPI_REQUEST_NULL;
  bool is_under_way_ = false;
};

/// All ranks are done with the operations that they waited for, or all throw. Collective. Does
/// nothing where MPI carries them.
template <class Space>
void agree_on_transfers(Context<Space> const& context);

}  // namespace kyrtos::parallel
