// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/kokkos_compat.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kyrtos::testing {

/// Records, through Kokkos Tools, what reaches Kokkos while it lives. One at a time.
///
/// Kokkos 3.4 reports no fence of a host space; newer versions report every one.
class KokkosWatch {
 public:
  struct Kernel {
    std::string label;
    std::uint32_t device;  ///< Identifies the instance that it ran on.
  };
  struct Record {
    std::vector<Kernel> kernels;
    std::vector<std::string> allocations;  ///< Their labels.
    std::vector<std::uint64_t> bytes;      ///< Sizes of those in the memory of kernels.
    /// Bytes allocated and not given back, without those that Kokkos keeps for itself.
    std::int64_t held = 0, peak = 0;
    std::vector<std::string> fences;
    std::vector<std::string> copies;  ///< From one View to another: labels of the targets.
  };

  KokkosWatch() {
    using namespace Kokkos::Tools::Experimental;
    record() = {};
    others() = get_callbacks();
    set_begin_parallel_for_callback(kernel);
    set_begin_parallel_reduce_callback(kernel);
    set_begin_parallel_scan_callback(kernel);
    set_allocate_data_callback(allocation);
    set_deallocate_data_callback(deallocation);
    set_begin_fence_callback(fence);
    set_begin_deep_copy_callback(copy);
  }
  ~KokkosWatch() { Kokkos::Tools::Experimental::set_callbacks(others()); }
  KokkosWatch(KokkosWatch const&) = delete;
  KokkosWatch& operator=(KokkosWatch const&) = delete;

  static Record& record() {
    static Record instance;
    return instance;
  }

  /// What reaches Kokkos during work().
  template <class Work>
  static Record during(Work const& work) {
    KokkosWatch const watch;
    work();
    return record();
  }

 private:
  /// Who listened before (core/distinct_memory.hpp does), and goes on hearing of kernels and
  /// copies.
  static Kokkos::Tools::Experimental::EventSet& others() {
    static Kokkos::Tools::Experimental::EventSet instance;
    return instance;
  }
  static void kernel(char const* label, std::uint32_t device, std::uint64_t* id) {
    record().kernels.push_back({label, device});
    if (auto const other = others().begin_parallel_for) other(label, device, id);
  }
  static void allocation(Kokkos::Tools::SpaceHandle space, char const* label, void const*,
                         std::uint64_t bytes) {
    using Memory = compat::DeviceMemory<Kokkos::DefaultExecutionSpace>;
    record().allocations.emplace_back(label);
    if (std::string_view(space.name) == Memory::name()) record().bytes.push_back(bytes);
    if (!is_kokkos_own(label)) record().held += static_cast<std::int64_t>(bytes);
    record().peak = std::max(record().peak, record().held);
  }
  static void deallocation(Kokkos::Tools::SpaceHandle, char const* label, void const*,
                           std::uint64_t bytes) {
    if (!is_kokkos_own(label)) record().held -= static_cast<std::int64_t>(bytes);
  }
  /// Such as the scratch of teams, which stays from one run to the next.
  static bool is_kokkos_own(std::string_view label) { return label == "[unlabeled]"; }
  static void fence(char const* label, std::uint32_t, std::uint64_t*) {
    std::string const name = label;
    // Newer Kokkos waits before each event of a tool, and reports that too.
    if (!name.starts_with("Kokkos::Tools::invoke_kokkosp_callback"))
      record().fences.push_back(name);
  }
  static void copy(Kokkos::Tools::SpaceHandle to_space, char const* to_label, void const* to,
                   Kokkos::Tools::SpaceHandle from_space, char const* from_label, void const* from,
                   std::uint64_t bytes) {
    record().copies.emplace_back(to_label);
    if (auto const other = others().begin_deep_copy)
      other(to_space, to_label, to, from_space, from_label, from, bytes);
  }
};

/// The identity of an instance in a KokkosWatch's record.
template <class Space>
std::uint32_t device_of(Space const& space) {
  return KokkosWatch::during([&] {
           Kokkos::parallel_for("kyrtos::testing::probe", Kokkos::RangePolicy<Space>(space, 0, 1),
                                KOKKOS_LAMBDA(int){});
         })
      .kernels.back()
      .device;
}

}  // namespace kyrtos::testing
