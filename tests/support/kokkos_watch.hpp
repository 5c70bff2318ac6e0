// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <Kokkos_Core.hpp>

#include <cstdint>
#include <string>
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
    std::vector<std::uint64_t> bytes;      ///< And sizes.
    std::vector<std::string> fences;
    std::vector<std::string> copies;  ///< From one View to another: labels of the targets.
  };

  KokkosWatch() {
    record() = {};
    set(kernel, allocation, fence, copy);
  }
  ~KokkosWatch() { set(nullptr, nullptr, nullptr, nullptr); }
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
  static void set(Kokkos::Tools::beginFunction on_kernel,
                  Kokkos::Tools::allocateDataFunction on_allocation,
                  Kokkos::Tools::beginFenceFunction on_fence,
                  Kokkos::Tools::beginDeepCopyFunction on_copy) {
    using namespace Kokkos::Tools::Experimental;
    set_begin_parallel_for_callback(on_kernel);
    set_begin_parallel_reduce_callback(on_kernel);
    set_begin_parallel_scan_callback(on_kernel);
    set_allocate_data_callback(on_allocation);
    set_begin_fence_callback(on_fence);
    set_begin_deep_copy_callback(on_copy);
  }
  static void kernel(char const* label, std::uint32_t device, std::uint64_t*) {
    record().kernels.push_back({label, device});
  }
  static void allocation(Kokkos::Tools::SpaceHandle, char const* label, void const*,
                         std::uint64_t bytes) {
    record().allocations.emplace_back(label);
    record().bytes.push_back(bytes);
  }
  static void fence(char const* label, std::uint32_t, std::uint64_t*) {
    std::string const name = label;
    // Newer Kokkos waits before each event of a tool, and reports that too.
    if (!name.starts_with("Kokkos::Tools::invoke_kokkosp_callback"))
      record().fences.push_back(name);
  }
  static void copy(Kokkos::Tools::SpaceHandle, char const* label, void const*,
                   Kokkos::Tools::SpaceHandle, char const*, void const*, std::uint64_t) {
    record().copies.emplace_back(label);
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
