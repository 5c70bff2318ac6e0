// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/kokkos_compat.hpp>
#include <kyrtos/core/types.hpp>
#include <kyrtos/parallel/communicator.hpp>
#include <kyrtos/parallel/shards.hpp>

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace kyrtos {

/// Who multiplies matrices; `automatic` is the fastest that is available for the scalar type.
enum class GemmProvider { automatic, onednn, kokkos_kernels, cublaslt, rocblas };

/// Whether MPI is given device memory; `automatic` asks the library. No question on a host.
enum class GpuAwareMpi { automatic, on, off };
class RegionObserver;
namespace linalg {
template <class Space>
class RoundedProducts;
}

struct ContextOptions {
  GemmProvider gemm = GemmProvider::automatic;
  GpuAwareMpi gpu_aware_mpi = GpuAwareMpi::automatic;
  /// Fill scratch memory with NaN whenever it is handed out: a read of what was never written
  /// then shows up in the results. For tests.
  bool poison_scratch = false;
};

/// Where work happens: an execution-space instance and a communicator, both made by the caller.
///
/// Everything that takes a Context enqueues its kernels on `space()` and, unless its
/// documentation says otherwise, returns before they have finished. Copies share the same
/// instance, communicator and scratch memory; use one Context a host thread and stream.
template <class Space = Kokkos::DefaultExecutionSpace>
class Context {
 public:
  using execution_space = Space;

  /// Collective over `communicator`. \throws Error, saying which, when Kokkos or MPI is not up.
  explicit Context(MPI_Comm communicator, ContextOptions options = {});

  /// The same on an execution-space instance (for instance a stream) that the caller owns.
  Context(Space const& space, MPI_Comm communicator, ContextOptions options = {});

  Space const& space() const;
  Communicator const& communicator() const;
  ContextOptions const& options() const;

  /// Whether MPI may read and write memory of the execution space; otherwise it goes through the
  /// host.
  bool mpi_reads_memory() const;

  /// The same context, for vectors that lie on several ranks: sums over them (dot products, norms)
  /// are then collective, and random vectors have the values that the whole vector would have.
  Context with_shards(std::shared_ptr<Shards const> shards) const {
    Context sharded(*this);
    sharded.shards_ = std::move(shards);
    return sharded;
  }
  /// Null: every rank has whole vectors.
  Shards const* shards() const { return shards_.get(); }

  /// The same context, for layers whose products of float32 matrices are worth less accuracy: their
  /// factors are rounded to fewer bits (linalg/rounded_products.hpp).
  Context with_products(std::shared_ptr<linalg::RoundedProducts<Space>> products) const {
    Context rounding(*this);
    rounding.products_ = std::move(products);
    return rounding;
  }
  /// Null: products are of the precision of their operands.
  linalg::RoundedProducts<Space>* products() const { return products_.get(); }

  /// What is summed over a vector, summed over ranks if its pieces lie there.
  void sum_over_shards(std::span<double> sums) const {
    if (shards_) communicator().sum(sums);
  }
  /// Who hears of the regions of this Context and its copies from now on, for profiles
  /// (core/region.hpp): an object that the caller keeps alive, or nullptr, which costs nothing.
  void observe(RegionObserver* observer) const;
  RegionObserver* observer() const;

  /// Waits until all work enqueued on the instance is done.
  void fence(std::string const& label) const { compat::fence(space(), label); }

  /// Transient memory for one pass of one layer: `count` values, uninitialised, valid until the
  /// next call of scratch() on this Context or a copy. Grows when first asked for more (which
  /// waits for the instance), is never given back before the Context, and so costs nothing in
  /// steady state.
  template <class T>
  VectorView<T, Space> scratch(Index count) const {
    auto const bytes = static_cast<std::size_t>(count) * sizeof(T);
    return VectorView<T, Space>(static_cast<T*>(scratch_bytes(bytes)),
                                static_cast<std::size_t>(count));
  }

  /// Memory for the first stage of deterministic reductions (linalg/vector_operations.hpp).
  VectorView<double, Space> reduction_buffer() const;
  static constexpr Index reduction_buffer_size = 8192;

  /// Its first `count` values on the host, valid until the next call. Waits for the instance, and
  /// allocates nothing.
  VectorView<double const, Kokkos::HostSpace> reduced(Index count, std::string const& label) const;

  /// Bytes of scratch held now.
  std::size_t scratch_capacity() const;

  /// What the provider of matrix products keeps for this Context and its copies: a library's handle
  /// on the instance, and what it made for the products so far. Null until there was one.
  std::shared_ptr<void>& gemm_library() const;

 private:
  void* scratch_bytes(std::size_t bytes) const;

  struct State;
  std::shared_ptr<State> state_;
  std::shared_ptr<Shards const> shards_;
  std::shared_ptr<linalg::RoundedProducts<Space>> products_;
};

}  // namespace kyrtos
