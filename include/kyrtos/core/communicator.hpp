// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <mpi.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace kyrtos {

/// A duplicate of the caller's MPI communicator, shared by copies of this object and freed with
/// the last of them (not after MPI_Finalize). Every operation is collective and blocking.
///
/// Errors of MPI are thrown as kyrtos::Error with MPI's own text.
class Communicator {
 public:
  /// Collective over `parent`. \throws Error when MPI is not initialised or already finalised.
  explicit Communicator(MPI_Comm parent);

  MPI_Comm get() const { return *handle_; }
  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }

  /// Elementwise sums over the ranks, in place; the same bits on every rank.
  void sum(std::span<double> values) const;
  void sum(std::span<float> values) const;
  void sum(std::span<std::uint64_t> values) const;  ///< modulo 2⁶⁴
  double sum(double value) const;
  double max(double value) const;
  /// The elementwise largest, in place.
  void max(std::span<double> values) const;

  /// True when it is true on any rank: how ranks agree on a signal or a failure.
  bool any(bool value) const;

  /// What rank `from` has, on every rank.
  void broadcast(std::span<std::byte> bytes, int from = 0) const;
  void broadcast(std::span<double> values) const { broadcast(std::as_writable_bytes(values)); }
  std::string broadcast(std::string text, int from = 0) const;
  void barrier() const;

 private:
  std::shared_ptr<MPI_Comm> handle_;
  int rank_ = 0;
  int size_ = 1;
};

/// Throws kyrtos::Error naming `call` unless `code` is MPI_SUCCESS.
void check_mpi(int code, char const* call);

}  // namespace kyrtos
