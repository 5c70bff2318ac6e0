// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <Kokkos_Core.hpp>

#ifdef KYRTOS_DISTINCT_MEMORY
#include <distinct_memory.hpp>  // of Kyrtos' own tests: tests/support
#endif

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>

/// \file
/// \brief Everything that differs between Kokkos 3.4, 4.x and 5.x, or by enabled backend.
///
/// The only file that may look at KOKKOS_VERSION or at a backend's macro; a test sees to it.

#define KYRTOS_KOKKOS_AT_LEAST(major, minor) (KOKKOS_VERSION >= (major)*10000 + (minor)*100)

namespace kyrtos::math {

// Elementary functions for host and device code: promoted out of Experimental in Kokkos 3.7.
#if KYRTOS_KOKKOS_AT_LEAST(3, 7)
using Kokkos::cos;
using Kokkos::erf;
using Kokkos::exp;
using Kokkos::fabs;
using Kokkos::fmax;
using Kokkos::fmin;
using Kokkos::isfinite;
using Kokkos::log;
using Kokkos::log1p;
using Kokkos::pow;
using Kokkos::sin;
using Kokkos::sqrt;
using Kokkos::tanh;
#else
using Kokkos::Experimental::cos;
using Kokkos::Experimental::erf;
using Kokkos::Experimental::exp;
using Kokkos::Experimental::fabs;
using Kokkos::Experimental::fmax;
using Kokkos::Experimental::fmin;
using Kokkos::Experimental::isfinite;
using Kokkos::Experimental::log;
using Kokkos::Experimental::log1p;
using Kokkos::Experimental::pow;
using Kokkos::Experimental::sin;
using Kokkos::Experimental::sqrt;
using Kokkos::Experimental::tanh;
#endif

}  // namespace kyrtos::math

namespace kyrtos::compat {

/// Waits for one instance; profiling tools are told the label, by ourselves where Kokkos does not.
template <class Space>
void fence(Space const& space, std::string const& label) {
#if KYRTOS_KOKKOS_AT_LEAST(3, 5)
  space.fence(label);
#else
  std::uint64_t handle = 0;
  Kokkos::Tools::beginFence(label, 0, &handle);
  space.fence();
  Kokkos::Tools::endFence(handle);
#endif
}

/// For instance `3.4.1`.
inline std::string kokkos_version() {
  return std::to_string(KOKKOS_VERSION / 10000) + "." + std::to_string(KOKKOS_VERSION / 100 % 100) +
         "." + std::to_string(KOKKOS_VERSION % 100);
}

inline bool is_finalized() {
#if KYRTOS_KOKKOS_AT_LEAST(3, 7)
  return Kokkos::is_finalized();
#else
  return !Kokkos::is_initialized();
#endif
}

/// A named span of time in profiling tools, closed when the object goes out of scope.
class ScopedRegion {
 public:
  explicit ScopedRegion(std::string const& name) { Kokkos::Profiling::pushRegion(name); }
  ~ScopedRegion() { Kokkos::Profiling::popRegion(); }
  ScopedRegion(ScopedRegion const&) = delete;
  ScopedRegion& operator=(ScopedRegion const&) = delete;
};

#ifdef KYRTOS_DISTINCT_MEMORY
inline constexpr bool has_distinct_memory = true;
template <class Space>
using DeviceMemory = std::conditional_t<Kokkos::is_execution_space<Space>::value, distinct::Memory,
                                        typename Space::memory_space>;
using WorkOfHostLibrary = distinct::Opened;
#else
inline constexpr bool has_distinct_memory = false;
/// Where kernels on Space find their data; of a memory space, itself.
template <class Space>
using DeviceMemory = typename Space::memory_space;
/// While one lives, a library of the host, which is where kernels run then, works on these Views.
struct [[maybe_unused]] WorkOfHostLibrary {
  template <class... Views>
  explicit WorkOfHostLibrary(Views const&...) {}
};
#endif

/// True where the host may read and write memory of kernels on Space without a copy.
template <class Space>
inline constexpr bool is_host_accessible =
    !has_distinct_memory &&
    Kokkos::SpaceAccessibility<Kokkos::HostSpace, DeviceMemory<Space>>::accessible;

/// True where kernels on Space run on cores of the host.
template <class Space>
inline constexpr bool runs_on_host =
    Kokkos::SpaceAccessibility<Space, Kokkos::HostSpace>::accessible;

/// True where a team is one thread with vectors as wide as a CPU's registers. Elsewhere teams have
/// several: on devices, and in the tests with distinct memory, where they are threads of the host.
template <class Space>
inline constexpr bool has_teams_of_one = runs_on_host<Space> && !has_distinct_memory;

/// How many threads of a device run in step: a warp of CUDA, a wave of AMD's Instinct GPUs.
#ifdef KOKKOS_ENABLE_HIP
inline constexpr int threads_in_step = 64;
#else
inline constexpr int threads_in_step = 32;
#endif

/// How many threads a team has that is to have `wanted`: a host may have fewer.
template <class Space>
int team_threads(Space const& space, int wanted) {
  return runs_on_host<Space> ? std::min(wanted, static_cast<int>(space.concurrency())) : wanted;
}

/// In the tests with distinct memory: fills what a team is about to write, so that a read of what
/// it has not written is seen.
template <class Team, class T>
KOKKOS_FORCEINLINE_FUNCTION void poison(Team const& team, T* memory, int count) {
  if constexpr (has_distinct_memory) {
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, count),
                         [&](int i) { memory[i] = std::numeric_limits<T>::quiet_NaN(); });
    team.team_barrier();
  }
}

#if defined(KOKKOS_ENABLE_CUDA)
inline constexpr bool backend_is_cuda = true;
#else
inline constexpr bool backend_is_cuda = false;
#endif
#if defined(KOKKOS_ENABLE_HIP)
inline constexpr bool backend_is_hip = true;
#else
inline constexpr bool backend_is_hip = false;
#endif

/// Host memory that copies from and to Space at the full rate of the link.
#if defined(KOKKOS_ENABLE_CUDA)
template <class Space>
using PinnedSpace =
    std::conditional_t<is_host_accessible<Space>, Kokkos::HostSpace, Kokkos::CudaHostPinnedSpace>;
#elif defined(KOKKOS_ENABLE_HIP)
#if KYRTOS_KOKKOS_AT_LEAST(4, 0)
using HipPinned = Kokkos::HIPHostPinnedSpace;
#else
using HipPinned = Kokkos::Experimental::HIPHostPinnedSpace;
#endif
template <class Space>
using PinnedSpace = std::conditional_t<is_host_accessible<Space>, Kokkos::HostSpace, HipPinned>;
#else
template <class Space>
using PinnedSpace = Kokkos::HostSpace;
#endif

#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
#if defined(KOKKOS_ENABLE_CUDA)
#define KYRTOS_DEVICE_NAME(name) cuda##name
#else
#define KYRTOS_DEVICE_NAME(name) hip##name
#endif
/// What CUDA and HIP name alike but for the beginning: types and functions of streams and events.
struct DeviceRuntime {
  using Code = KYRTOS_DEVICE_NAME(Error_t);
  using Stream = KYRTOS_DEVICE_NAME(Stream_t);
  using Event = KYRTOS_DEVICE_NAME(Event_t);
  static constexpr Code success = KYRTOS_DEVICE_NAME(Success);
  static constexpr Code not_ready = KYRTOS_DEVICE_NAME(ErrorNotReady);
  static constexpr unsigned without_timing = KYRTOS_DEVICE_NAME(EventDisableTiming);
  static constexpr unsigned beside_others = KYRTOS_DEVICE_NAME(StreamNonBlocking);
  static constexpr auto error_text = &KYRTOS_DEVICE_NAME(GetErrorString);
  static constexpr auto create_event = &KYRTOS_DEVICE_NAME(EventCreateWithFlags);
  static constexpr auto destroy_event = &KYRTOS_DEVICE_NAME(EventDestroy);
  static constexpr auto record = &KYRTOS_DEVICE_NAME(EventRecord);
  static constexpr auto query = &KYRTOS_DEVICE_NAME(EventQuery);
  static constexpr auto priorities = &KYRTOS_DEVICE_NAME(DeviceGetStreamPriorityRange);
  static constexpr auto create_stream = &KYRTOS_DEVICE_NAME(StreamCreateWithPriority);
  static constexpr auto destroy_stream = &KYRTOS_DEVICE_NAME(StreamDestroy);
  static constexpr auto wait = &KYRTOS_DEVICE_NAME(StreamWaitEvent);
  static constexpr auto device = &KYRTOS_DEVICE_NAME(GetDevice);
  static constexpr auto device_name = &KYRTOS_DEVICE_NAME(DeviceGetPCIBusId);
};
#undef KYRTOS_DEVICE_NAME
/// Of the device that kernels on Space run on; void for a host's.
template <class Space>
using RuntimeOf = std::conditional_t<runs_on_host<Space>, void, DeviceRuntime>;
#else
template <class Space>
using RuntimeOf = void;
#endif

}  // namespace kyrtos::compat

// Before a loop over contiguous, independent elements: lets host compilers use vector registers,
// and reassociate the named sums in a fixed way, without -ffast-math.
#define KYRTOS_PRAGMA_(text) _Pragma(#text)
#if defined(_OPENMP)
#define KYRTOS_SIMD KYRTOS_PRAGMA_(omp simd)
#define KYRTOS_SIMD_SUM(...) KYRTOS_PRAGMA_(omp simd reduction(+ : __VA_ARGS__))
#else
#define KYRTOS_SIMD
#define KYRTOS_SIMD_SUM(...)
#endif

// Before a loop whose steps keep operands in registers: devices unroll it so far and no further, or
// the registers would not suffice. Host compilers decide for themselves.
#if defined(__CUDA_ARCH__) || defined(__HIP_DEVICE_COMPILE__)
#define KYRTOS_DEVICE_UNROLL(count) KYRTOS_PRAGMA_(unroll count)
#else
#define KYRTOS_DEVICE_UNROLL(count)
#endif

// Before a loop of a few steps, a constant number, whose step indexes an array that is to lie in
// registers. For nvcc on devices alone: GCC, to which it leaves the host, does not know its pragma.
#if defined(__NVCC__) && !defined(__CUDA_ARCH__)
#define KYRTOS_UNROLL
#elif defined(__GNUC__) && !defined(__clang__) && !defined(__NVCC__)
#define KYRTOS_UNROLL KYRTOS_PRAGMA_(GCC unroll 32)
#else
#define KYRTOS_UNROLL KYRTOS_PRAGMA_(unroll)
#endif

// Before a member function of a kernel that is a step of it. On CPUs it stays a function, whose
// loops have the registers for themselves: where GCC 12 has a whole kernel in one function, it
// keeps some blocks of sums on the stack. Devices inline every step.
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
#define KYRTOS_KERNEL_STEP KOKKOS_FORCEINLINE_FUNCTION
#else
#define KYRTOS_KERNEL_STEP __attribute__((noinline)) KOKKOS_FUNCTION
#endif

// The execution spaces the library's templates are instantiated for: the default one, and the
// default host one where that is another. KYRTOS_FOR_EACH_SPACE(M) expands M(Space) for each.
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
#define KYRTOS_FOR_EACH_SPACE(M)     \
  M(::Kokkos::DefaultExecutionSpace) \
  M(::Kokkos::DefaultHostExecutionSpace)
#else
#define KYRTOS_FOR_EACH_SPACE(M) M(::Kokkos::DefaultExecutionSpace)
#endif

/// Explicit instantiation for every scalar type and space that we support, at the end of a source
/// file: of a class template <Scalar, Space> by KYRTOS_INSTANTIATE(kyrtos::layers::Linear), of
/// functions by KYRTOS_INSTANTIATE_FUNCTIONS(M), where M(SCALAR, SPACE) expands to
/// `template …;` for each of them.
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP)
#define KYRTOS_INSTANTIATE_FUNCTIONS(M)         \
  M(float, ::Kokkos::DefaultExecutionSpace)     \
  M(double, ::Kokkos::DefaultExecutionSpace)    \
  M(float, ::Kokkos::DefaultHostExecutionSpace) \
  M(double, ::Kokkos::DefaultHostExecutionSpace)
#define KYRTOS_INSTANTIATE(CLASS)                                   \
  template class CLASS<float, ::Kokkos::DefaultExecutionSpace>;     \
  template class CLASS<double, ::Kokkos::DefaultExecutionSpace>;    \
  template class CLASS<float, ::Kokkos::DefaultHostExecutionSpace>; \
  template class CLASS<double, ::Kokkos::DefaultHostExecutionSpace>;
#else
#define KYRTOS_INSTANTIATE_FUNCTIONS(M)     \
  M(float, ::Kokkos::DefaultExecutionSpace) \
  M(double, ::Kokkos::DefaultExecutionSpace)
#define KYRTOS_INSTANTIATE(CLASS)                               \
  template class CLASS<float, ::Kokkos::DefaultExecutionSpace>; \
  template class CLASS<double, ::Kokkos::DefaultExecutionSpace>;
#endif
#ifdef KYRTOS_DISTINCT_MEMORY  // whose tests are in float alone
#undef KYRTOS_INSTANTIATE_FUNCTIONS
#undef KYRTOS_INSTANTIATE
#define KYRTOS_INSTANTIATE_FUNCTIONS(M) M(float, ::Kokkos::DefaultExecutionSpace)
#define KYRTOS_INSTANTIATE(CLASS) template class CLASS<float, ::Kokkos::DefaultExecutionSpace>;
#endif
