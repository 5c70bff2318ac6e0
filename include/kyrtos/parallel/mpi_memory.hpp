// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <string>
#include <type_traits>

namespace kyrtos::parallel {

template <class Scalar>
MPI_Datatype mpi_type() {
  return std::is_same_v<Scalar, double> ? MPI_DOUBLE : MPI_FLOAT;
}

/// A vector as MPI sees it: itself where MPI is given memory of the execution space, and else a
/// copy in pinned host memory, allocated once.
template <class Scalar, class Space>
class MpiMemory {
 public:
  using MutableVector = VectorView<Scalar, Space>;

  MpiMemory() = default;
  /// \param is_itself as Context::mpi_reads_memory() says of the work, or transfers_in_place().
  MpiMemory(std::string const& name, Index size, bool is_itself) {
    if (!is_itself)
      staging_ = Staging(Kokkos::view_alloc(Kokkos::WithoutInitializing, "kyrtos::" + name),
                         static_cast<std::size_t>(size));
  }

  /// Of a vector no longer than `size`; it must outlive its use.
  void attach(MutableVector v) { v_ = v; }

  /// What MPI is given for element i.
  Scalar* at(Index i) const { return (is_staged() ? staging_.data() : v_.data()) + i; }

  /// Elements [begin, begin + size) for MPI to read: waits for the instance.
  void to_mpi(Context<Space> const& context, Index begin, Index size) const {
    if (is_staged() && size > 0)
      Kokkos::deep_copy(context.space(), staged(begin, size), slice(v_, begin, size));
    context.fence("kyrtos::MpiMemory::to_mpi");
  }

  /// What MPI has written there, for kernels to read.
  void from_mpi(Context<Space> const& context, Index begin, Index size) const {
    if (is_staged() && size > 0)
      Kokkos::deep_copy(context.space(), slice(v_, begin, size), staged(begin, size));
  }

 private:
  using Staging = Kokkos::View<Scalar*, Kokkos::LayoutRight, compat::PinnedSpace<Space>>;

  bool is_staged() const { return staging_.size() > 0; }
  auto staged(Index begin, Index size) const {
    return Kokkos::View<Scalar*, Kokkos::LayoutRight, compat::PinnedSpace<Space>, Unmanaged>(
        staging_.data() + begin, static_cast<std::size_t>(size));
  }

  MutableVector v_;
  Staging staging_;
};

}  // namespace kyrtos::parallel
