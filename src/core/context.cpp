// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/context.hpp>
#include <kyrtos/core/error.hpp>

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

namespace kyrtos {

namespace {

/// All bits set is a NaN, whatever floating-point type the memory is then used as.
constexpr double poison = std::bit_cast<double>(~std::uint64_t{0});

/// Constructing a default execution space before Kokkos is up would end the program; throw first.
template <class Space>
Space default_space() {
  if (!Kokkos::is_initialized())
    throw Error(
        "Context: Kokkos is not running; call Kokkos::initialize before, and keep every "
        "Kyrtos object inside the life of Kokkos");
  return Space();
}

}  // namespace

template <class Space>
struct Context<Space>::State {
  using Bytes = Vector<double, Space>;

  Space space;
  Communicator communicator;
  ContextOptions options;
  Bytes scratch;
  Bytes reduction;
  decltype(Kokkos::create_mirror_view(Bytes())) reduction_on_host;
  RegionObserver* observer = nullptr;
  std::shared_ptr<void> gemm_library, transport_library;
  std::vector<CountedMemory> counted;
  std::size_t counted_scratch = 0, counted_team_scratch = 0;

  State(Space const& s, MPI_Comm c, ContextOptions o)
      : space(s),
        communicator(c),
        options(std::move(o)),
        reduction(Kokkos::view_alloc(space, Kokkos::WithoutInitializing, "kyrtos::reduction"),
                  static_cast<std::size_t>(reduction_buffer_size)),
        reduction_on_host(Kokkos::create_mirror_view(reduction)) {}
};

template <class Space>
Context<Space>::Context(MPI_Comm communicator, ContextOptions options)
    : Context(default_space<Space>(), communicator, std::move(options)) {}

template <class Space>
Context<Space>::Context(Space const& space, MPI_Comm communicator, ContextOptions options)
    : state_(std::make_shared<State>(space, communicator, std::move(options))) {}

template <class Space>
Space const& Context<Space>::space() const {
  return state_->space;
}

template <class Space>
Communicator const& Context<Space>::communicator() const {
  return state_->communicator;
}

template <class Space>
ContextOptions const& Context<Space>::options() const {
  return state_->options;
}

template <class Space>
void Context<Space>::observe(RegionObserver* observer) const {
  state_->observer = observer;
}

template <class Space>
RegionObserver* Context<Space>::observer() const {
  return state_->observer;
}

template <class Space>
std::shared_ptr<void>& Context<Space>::gemm_library() const {
  return state_->gemm_library;
}

template <class Space>
std::shared_ptr<void>& Context<Space>::transport_library() const {
  return state_->transport_library;
}

template <class Space>
VectorView<double, Space> Context<Space>::reduction_buffer() const {
  return state_->reduction;
}

template <class Space>
VectorView<double const, Kokkos::HostSpace> Context<Space>::reduced(
    Index count, std::string const& label) const {
  auto const size = static_cast<std::size_t>(count);
  if constexpr (!compat::is_host_accessible<Space>) {
    std::pair<std::size_t, std::size_t> const used(0, size);
    Kokkos::deep_copy(space(), Kokkos::subview(state_->reduction_on_host, used),
                      Kokkos::subview(state_->reduction, used));
  }
  fence(label);
  return VectorView<double const, Kokkos::HostSpace>(state_->reduction_on_host.data(), size);
}

template <class Space>
bool Context<Space>::mpi_reads_memory(MpiWork work) const {
  return compat::is_host_accessible<Space> || gives_device_memory(options().gpu_aware_mpi, work);
}

template <class Space>
std::size_t Context<Space>::scratch_capacity() const {
  return state_->scratch.size() * sizeof(double);
}

template <class Space>
void Context<Space>::note_team_scratch(std::size_t bytes, int threads) const {
  int const teams = space().concurrency() / (compat::runs_on_host<Space> ? 1 : threads);
  state_->counted_team_scratch =
      std::max(state_->counted_team_scratch, bytes * static_cast<std::size_t>(teams));
}

template <class Space>
void Context<Space>::count(CountedMemory memory) const {
  state_->counted.push_back(std::move(memory));
}

template <class Space>
std::vector<CountedMemory> Context<Space>::counted() const {
  auto all = state_->counted;
  all.push_back({"scratch", state_->counted_scratch});
  all.push_back({"scratch of teams", state_->counted_team_scratch});
  all.push_back({"reductions", static_cast<std::size_t>(reduction_buffer_size) * sizeof(double)});
  return all;
}

template <class Space>
void* Context<Space>::scratch_bytes(std::size_t bytes) const {
  if (options().counts_memory) {
    state_->counted_scratch = std::max(state_->counted_scratch, bytes);
    return nullptr;
  }
  auto& scratch = state_->scratch;
  std::size_t const words = (bytes + sizeof(double) - 1) / sizeof(double);
  if (words > scratch.size()) {
    fence("kyrtos::Context::scratch grows");
    scratch = {};  // give back first: peak memory is then the larger of the two, not the sum
    scratch = typename State::Bytes(
        Kokkos::view_alloc(space(), Kokkos::WithoutInitializing, "kyrtos::scratch"), words);
  }
  if (options().poison_scratch) Kokkos::deep_copy(space(), scratch, poison);
  return scratch.data();
}

#define KYRTOS_INSTANTIATE_CONTEXT(SPACE) template class Context<SPACE>;
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_CONTEXT)

}  // namespace kyrtos
