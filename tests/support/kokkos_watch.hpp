// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <Kokkos_Core.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace kyrtos::testing {

/// Records, through Kokkos Tools, every kernel and allocation while it lives. One at a time.
class KokkosWatch {
 public:
  struct Kernel {
    std::string label;
    std::uint32_t device;  ///< Identifies the instance that it ran on.
  };
  struct Record {
    std::vector<Kernel> kernels;
    std::vector<std::string> allocations;
  };

  KokkosWatch() {
    record() = {};
    using namespace Kokkos::Tools::Experimental;
    set_begin_parallel_for_callback(kernel);
    set_begin_parallel_reduce_callback(kernel);
    set_begin_parallel_scan_callback(kernel);
    set_allocate_data_callback(allocation);
  }
  ~KokkosWatch() {
    using namespace Kokkos::Tools::Experimental;
    set_begin_parallel_for_callback(nullptr);
    set_begin_parallel_reduce_callback(nullptr);
    set_begin_parallel_scan_callback(nullptr);
    set_allocate_data_callback(nullptr);
  }
  KokkosWatch(KokkosWatch const&) = delete;
  KokkosWatch& operator=(KokkosWatch const&) = delete;

  static Record& record() {
    static Record instance;
    return instance;
  }

 private:
  static void kernel(char const* label, std::uint32_t device, std::uint64_t*) {
    record().kernels.push_back({label, device});
  }
  static void allocation(Kokkos::Tools::SpaceHandle, char const* label, void const*,
                         std::uint64_t) {
    record().allocations.emplace_back(label);
  }
};

/// The identity of an instance in a KokkosWatch's record.
template <class Space>
std::uint32_t device_of(Space const& space) {
  KokkosWatch const watch;
  Kokkos::parallel_for("kyrtos::testing::probe", Kokkos::RangePolicy<Space>(space, 0, 1),
                       KOKKOS_LAMBDA(int){});
  return KokkosWatch::record().kernels.back().device;
}

}  // namespace kyrtos::testing
