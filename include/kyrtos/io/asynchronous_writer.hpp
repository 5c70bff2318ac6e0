// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/io/checkpoint.hpp>

#include <chrono>
#include <future>
#include <memory>

namespace kyrtos::io {

class Replacement;

/// Writes checkpoints behind whatever the program does meanwhile, one at a time: start() copies
/// what this rank writes to host memory, which stays this object's, and leaves the writing to a
/// thread that calls neither MPI, HDF5 nor Kokkos; finish() gives the file its name. Until then the
/// file under that name stays as it was. Every function is collective but seconds().
template <class Scalar, class Space>
class AsynchronousWriter {
 public:
  explicit AsynchronousWriter(Communicator const& ranks);

  /// Waits for the thread, and removes a file that was not finished. Not collective.
  ~AsynchronousWriter();
  AsynchronousWriter(AsynchronousWriter const&) = delete;
  AsynchronousWriter& operator=(AsynchronousWriter const&) = delete;

  /// As write_checkpoint(), but for the values. Finishes what was started before.
  /// \throws FileError, on every rank.
  void start(Context<Space> const& context, std::string const& path, CheckpointText const& text,
             ParameterLayout const& layout,
             std::vector<NamedVector<Scalar const, Space>> const& vectors);

  /// Whether finish() would not wait for any rank's writing.
  bool is_done() const;

  /// Waits for all ranks, and makes the file complete; does nothing where nothing was started.
  /// \throws FileError, on every rank, when it can't be: then it is absent.
  void finish();

  /// What the last one took this rank from start() on: copying, writing, and finishing.
  double seconds() const { return seconds_; }

 private:
  using Host = compat::PinnedSpace<Space>;
  using Clock = std::chrono::steady_clock;

  Communicator ranks_;
  Vector<Scalar, Host> copy_;
  std::unique_ptr<Replacement> replacement_;  // on rank 0
  std::future<double> written_;               // its seconds
  bool is_busy_ = false;                      // on all ranks
  double seconds_ = 0;
};

}  // namespace kyrtos::io
