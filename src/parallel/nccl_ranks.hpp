// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/parallel/message_stream.hpp>

#include "nccl_library.hpp"

#include <type_traits>

namespace kyrtos::parallel {

/// The ranks of a communicator to NCCL, with a stream for what they send.
template <class Space>
class NcclRanks {
 public:
  /// Collective. \throws Error on all ranks with the words of NCCL.
  NcclRanks(Communicator const& ranks, std::shared_ptr<NcclLibrary const> library);
  ~NcclRanks();
  NcclRanks(NcclRanks const&) = delete;

  int rank() const { return rank_; }
  MessageStream<Space>& stream() { return stream_; }

  /// In place.
  template <class Scalar>
  void all_reduce(Scalar* values, Index size) {
    check(library_->all_reduce(values, values, count(size), type<Scalar>(), NcclOperation::sum,
                               communicator_, stream_.get()),
          "ncclAllReduce");
  }
  /// This rank's slice in its place among those of all.
  template <class Scalar>
  void reduce_scatter(Scalar* slices, Index slice) {
    check(library_->reduce_scatter(slices, slices + rank_ * slice, count(slice), type<Scalar>(),
                                   NcclOperation::sum, communicator_, stream_.get()),
          "ncclReduceScatter");
  }
  template <class Scalar>
  void all_gather(Scalar const* slice, Scalar* slices, Index size) {
    check(library_->all_gather(slice, slices, count(size), type<Scalar>(), communicator_,
                               stream_.get()),
          "ncclAllGather");
  }

  /// Hears of errors of the network and of other ranks. \return whether all is done, as far as the
  /// host knows. Where kernels run on the host, asking makes things go on.
  bool test();
  /// The host waits for what was started before a mark, unless it will never end.
  void settle(typename MessageStream<Space>::Mark const& mark) noexcept;

 private:
  template <class Scalar>
  static NcclType type() {
    return std::is_same_v<Scalar, double> ? NcclType::float64 : NcclType::float32;
  }
  static std::size_t count(Index size) { return static_cast<std::size_t>(size); }
  void check(NcclResult result, char const* call);

  std::shared_ptr<NcclLibrary const> library_;
  MessageStream<Space> stream_;
  NcclCommunicator* communicator_ = nullptr;
  int rank_;
  bool has_failed_ = false;
};

}  // namespace kyrtos::parallel
