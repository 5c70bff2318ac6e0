// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/parallel/transfer.hpp>

#include "nccl_ranks.hpp"

namespace kyrtos::parallel {

template <class Scalar, class Space>
template <class Start>
void Transfer<Scalar, Space>::start(Context<Space> const& context, NcclRanks<Space>& nccl,
                                    Start const& operation) {
  nccl.stream().follow(context.space());
  operation();
  nccl.stream().set(mark_);
  nccl_ = &nccl;
  is_under_way_ = true;
}

template <class Scalar, class Space>
void Transfer<Scalar, Space>::all_reduce(Context<Space> const& context, Memory const& memory,
                                         Index begin, Index size) {
  if (auto* const nccl = nccl_ranks(context))
    return start(context, *nccl, [&] { nccl->all_reduce(memory.at(begin), size); });
  memory.to_mpi(context, begin, size);
  check_mpi(MPI_Iallreduce(MPI_IN_PLACE, memory.at(begin), static_cast<int>(size),
                           mpi_type<Scalar>(), MPI_SUM, context.communicator().get(), &request_),
            "MPI_Iallreduce");
  is_under_way_ = true;
}

template <class Scalar, class Space>
Index Transfer<Scalar, Space>::reduce_scatter(Context<Space> const& context, Memory const& memory,
                                              Index slice) {
  if (auto* const nccl = nccl_ranks(context)) {
    start(context, *nccl, [&] { nccl->reduce_scatter(memory.at(0), slice); });
    return nccl->rank() * slice;
  }
  memory.to_mpi(context, 0, slice * context.communicator().size());
  check_mpi(MPI_Ireduce_scatter_block(MPI_IN_PLACE, memory.at(0), static_cast<int>(slice),
                                      mpi_type<Scalar>(), MPI_SUM, context.communicator().get(),
                                      &request_),
            "MPI_Ireduce_scatter_block");
  is_under_way_ = true;
  return 0;
}

template <class Scalar, class Space>
void Transfer<Scalar, Space>::all_gather(Context<Space> const& context, Memory const& sent,
                                         Index begin, Index slice, Memory const& received) {
  if (auto* const nccl = nccl_ranks(context))
    return start(context, *nccl, [&] { nccl->all_gather(sent.at(begin), received.at(0), slice); });
  sent.to_mpi(context, begin, slice);  // also waits for those who read what was received before
  int const count = static_cast<int>(slice);
  check_mpi(MPI_Iallgather(sent.at(begin), count, mpi_type<Scalar>(), received.at(0), count,
                           mpi_type<Scalar>(), context.communicator().get(), &request_),
            "MPI_Iallgather");
  is_under_way_ = true;
}

template <class Scalar, class Space>
bool Transfer<Scalar, Space>::test() {
  if (!is_under_way_) return true;
  // Devices drive their messages themselves.
  if (nccl_ != nullptr) return compat::runs_on_host<Space> && nccl_->is_done(mark_);
  int done = 0;
  check_mpi(MPI_Test(&request_, &done, MPI_STATUS_IGNORE), "MPI_Test");
  return done != 0;
}

template <class Scalar, class Space>
void Transfer<Scalar, Space>::wait() {
  if (!is_under_way_) return;
  if (nccl_ == nullptr)
    check_mpi(MPI_Wait(&request_, MPI_STATUS_IGNORE), "MPI_Wait");
  else
    nccl_->wait(mark_);
  nccl_ = nullptr;
  is_under_way_ = false;
}

template <class Scalar, class Space>
void Transfer<Scalar, Space>::settle() noexcept {
  if (!is_under_way_) return;
  if (nccl_ == nullptr)
    MPI_Wait(&request_, MPI_STATUS_IGNORE);
  else
    nccl_->settle(mark_);
  is_under_way_ = false;
}

template <class Space>
void agree_on_transfers(Context<Space> const& context) {
  if (auto* const nccl = nccl_ranks(context)) nccl->agree();
}

#define KYRTOS_AGREE(SPACE) template void agree_on_transfers(Context<SPACE> const&);
KYRTOS_FOR_EACH_SPACE(KYRTOS_AGREE)

KYRTOS_INSTANTIATE(kyrtos::parallel::Transfer)

}  // namespace kyrtos::parallel
