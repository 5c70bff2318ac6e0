// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <Kokkos_Core.hpp>

#include <cstddef>

/// \file
/// \brief For tests on CPUs, in a build with `Kyrtos_DISTINCT_MEMORY`: a memory space of kernels
/// that host code can not touch.
///
/// Its pages are closed to the process. What is touched while a kernel or a copy by Kokkos is at
/// work is opened, and closed when that is done. Host code that follows a pointer there dies of
/// SIGSEGV and a message that names the View. To Kokkos it is a space of its own: Views of it and
/// of HostSpace are not assignable to each other, and their mirrors are copies.

namespace kyrtos::distinct {

/// Whether an address lies in memory of kernels.
bool holds(void const* memory);

/// While one lives, pages of kernels are opened when touched. Those of these Views at once:
/// oneDNN's kernels keep things below their stack, where the handler of a signal would overwrite
/// them.
class Opened {
 public:
  template <class... Views>
  explicit Opened(Views const&... views) : Opened() {
    (open(views.data()), ...);
  }
  Opened();
  ~Opened();
  Opened(Opened const&) = delete;
  Opened& operator=(Opened const&) = delete;

 private:
  static void open(void const* memory);
};

/// What Kokkos' logical space, which is in all but this the HostSpace, allocates from.
struct ClosedPages {
  using size_type = std::size_t;
  using execution_space = Kokkos::DefaultHostExecutionSpace;

  void* impl_allocate(char const* label, std::size_t bytes, std::size_t bytes_for_tools,
                      Kokkos::Tools::SpaceHandle handle) const;
  void impl_deallocate(char const* label, void* memory, std::size_t bytes,
                       std::size_t bytes_for_tools, Kokkos::Tools::SpaceHandle handle) const;
};

struct Name {
  static constexpr char const* get_name() { return "Distinct"; }
};

using Memory = Kokkos::Experimental::LogicalMemorySpace<
    ClosedPages, Kokkos::DefaultHostExecutionSpace, Name,
    Kokkos::Experimental::LogicalSpaceSharesAccess::no_shared_access>;

/// Opens the pages for the length of a copy, which is what constructs this.
template <class Execution>
struct OpenedCopy : Opened,
                    Kokkos::Impl::DeepCopy<Kokkos::HostSpace, Kokkos::HostSpace, Execution> {
  using Kokkos::Impl::DeepCopy<Kokkos::HostSpace, Kokkos::HostSpace, Execution>::DeepCopy;
};

}  // namespace kyrtos::distinct

namespace Kokkos::Impl {

// "Accessible", as kernels on a CPU are host code to Kokkos; but no mirror of itself.
template <>
struct MemorySpaceAccess<HostSpace, kyrtos::distinct::Memory> {
  enum : bool { assignable = false, accessible = true, deepcopy = true };
};
template <>
struct MemorySpaceAccess<kyrtos::distinct::Memory, HostSpace> {
  enum : bool { assignable = false, accessible = true, deepcopy = true };
};
template <>
struct HostMirror<kyrtos::distinct::Memory> {
  using Space = HostSpace;
};
template <class Execution>
struct HostMirror<Device<Execution, kyrtos::distinct::Memory>> {
  using Space = HostSpace;
};

template <class Execution>
struct DeepCopy<kyrtos::distinct::Memory, HostSpace, Execution>
    : kyrtos::distinct::OpenedCopy<Execution> {
  using kyrtos::distinct::OpenedCopy<Execution>::OpenedCopy;
};
template <class Execution>
struct DeepCopy<HostSpace, kyrtos::distinct::Memory, Execution>
    : kyrtos::distinct::OpenedCopy<Execution> {
  using kyrtos::distinct::OpenedCopy<Execution>::OpenedCopy;
};
template <class Execution>
struct DeepCopy<kyrtos::distinct::Memory, kyrtos::distinct::Memory, Execution>
    : kyrtos::distinct::OpenedCopy<Execution> {
  using kyrtos::distinct::OpenedCopy<Execution>::OpenedCopy;
};

}  // namespace Kokkos::Impl
