// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/core/gpu_aware_mpi.hpp>
#include <kyrtos/core/kokkos_compat.hpp>
#include <kyrtos/core/transport.hpp>
#include <kyrtos/core/types.hpp>

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace kyrtos {

class RegionObserver;
namespace linalg {
enum class GemmProvider : int;  // linalg/gemm.hpp
template <class Space>
class RoundedProducts;
}  // namespace linalg

struct ContextOptions {
  /// Who multiplies matrices; by default the fastest that is available for the scalar type.
  linalg::GemmProvider gemm = {};
  GpuAwareMpi gpu_aware_mpi = GpuAwareMpi::off;
  Transport transport = Transport::automatic;
  /// Path or name of NCCL or RCCL; empty: as their packages name them (parallel/nccl.hpp).
  std::string nccl_library = {};
  /// Fill scratch memory with NaN whenever it is handed out: a read of what was never written
  /// then shows up in the results. For tests.
  bool poison_scratch = false;
  /// Only count memory: objects made with this Context have views of the right sizes without data,
  /// Context::counted() says how much they would take, and nothing may be computed with them.
  bool counts_memory = false;
};

/// Memory that an object would take.
struct CountedMemory {
  std::string name;  ///< As Kokkos' tools see it, without `kyrtos::`.
  std::size_t bytes = 0;
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

  /// Whether MPI is given memory of the execution space for such work; otherwise it goes through
  /// the host.
  bool mpi_reads_memory(MpiWork work) const;

  /// The same context, for layers whose products of float32 matrices are worth less accuracy: their
  /// factors are rounded to fewer bits (linalg/rounded_products.hpp).
  Context with_products(std::shared_ptr<linalg::RoundedProducts<Space>> products) const {
    Context rounding(*this);
    rounding.products_ = std::move(products);
    return rounding;
  }
  /// Null: products are of the precision of their operands.
  linalg::RoundedProducts<Space>* products() const { return products_.get(); }

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

  /// Takes that much scratch memory now, so that the first pass does not have to.
  void reserve_scratch(std::size_t bytes) const { scratch_bytes(bytes); }

  /// Where memory is counted: a kernel's teams, of so many threads, take so many bytes each of
  /// ordinary memory. Kokkos keeps it for as many teams as run at once on a device, and on a host
  /// for each thread.
  void note_team_scratch(std::size_t bytes, int threads) const;

  /// Bytes of scratch held now.
  std::size_t scratch_capacity() const;

  /// A View of type V named `kyrtos::<name>`: uninitialised, or only counted.
  template <class V, class... Extents>
  V allocate(std::string const& name, Extents... extents) const {
    if (options().counts_memory) {
      count({name, (static_cast<std::size_t>(extents) * ...) * sizeof(typename V::value_type)});
      return V(nullptr, static_cast<std::size_t>(extents)...);
    }
    return V(Kokkos::view_alloc(space(), Kokkos::WithoutInitializing, "kyrtos::" + name),
             static_cast<std::size_t>(extents)...);
  }
  /// What was counted, with the scratch, that of teams, and the memory of reductions.
  std::vector<CountedMemory> counted() const;

  /// What the provider of matrix products keeps for this Context and its copies: a library's handle
  /// on the instance, and what it made for the products so far. Null until there was one.
  std::shared_ptr<void>& gemm_library() const;

  /// What carries vectors over the ranks for this Context and its copies (parallel/nccl.hpp). Null
  /// until it was asked for.
  std::shared_ptr<void>& transport_library() const;

 private:
  void* scratch_bytes(std::size_t bytes) const;
  void count(CountedMemory memory) const;

  struct State;
  std::shared_ptr<State> state_;
  std::shared_ptr<linalg::RoundedProducts<Space>> products_;
};

}  // namespace kyrtos
