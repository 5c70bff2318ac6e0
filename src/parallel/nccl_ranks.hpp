// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/message_stream.hpp>

#include "nccl_library.hpp"

#include <type_traits>

namespace kyrtos::parallel {

/// The ranks of a communicator to NCCL, with a stream for what they send.
///
/// An operation that one rank did not start, or that broke on it, never ends on the others. So a
/// rank whose call fails tells the others by MPI, and the host waits for operations by asking, both
/// NCCL and for such news: then all abort, which ends what is under way, agree on the words of the
/// first rank that failed, and throw them. That is the error model of NCCL's documentation
/// ("Fault tolerance": ncclCommGetAsyncError, ncclCommAbort), which leaves the news to the program.
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
                               live(), stream_.get()),
          "ncclAllReduce");
  }
  /// This rank's slice in its place among those of all.
  template <class Scalar>
  void reduce_scatter(Scalar* slices, Index slice) {
    check(library_->reduce_scatter(slices, slices + rank_ * slice, count(slice), type<Scalar>(),
                                   NcclOperation::sum, live(), stream_.get()),
          "ncclReduceScatter");
  }
  template <class Scalar>
  void all_gather(Scalar const* slice, Scalar* slices, Index size) {
    check(library_->all_gather(slice, slices, count(size), type<Scalar>(), live(), stream_.get()),
          "ncclAllGather");
  }

  using Mark = typename MessageStream<Space>::Mark;
  /// Whether what was started before a mark is done. Where kernels run on the host, asking makes
  /// things go on, and it is all of it. \throws Error, on all ranks, with the words of the one that
  /// failed.
  bool is_done(Mark const& mark);
  /// The host waits until it is. \throws as is_done().
  void wait(Mark const& mark) {
    while (!is_done(mark)) continue;
  }
  /// The same where nobody can hear of an error.
  void settle(Mark const& mark) noexcept;
  /// All ranks have come here, or all throw. Collective, where waiting alone would let a rank go on
  /// that another has given up.
  void agree();

 private:
  template <class Scalar>
  static NcclType type() {
    return std::is_same_v<Scalar, double> ? NcclType::float64 : NcclType::float32;
  }
  static std::size_t count(Index size) { return static_cast<std::size_t>(size); }
  NcclCommunicator* live() const {
    require<Error>(!has_failed_, "NCCL failed before; make a new Context");
    return communicator_;
  }
  void check(NcclResult result, char const* call);
  /// Ends what is under way here.
  void give_up() noexcept;
  /// Tells the others. \throws Error
  void fail(std::string const& words);
  /// \throws Error where another rank failed.
  void listen();

  std::shared_ptr<NcclLibrary const> library_;
  Communicator news_;  ///< Of failures.
  MessageStream<Space> stream_;
  NcclCommunicator* communicator_ = nullptr;
  int rank_;
  bool has_failed_ = false;
};

}  // namespace kyrtos::parallel
