// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "memory.hpp"

#include "operation.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <fstream>
#include <malloc.h>
#include <sys/resource.h>

namespace kyrtos::bench {

namespace {

constexpr bool on_host = compat::is_host_accessible<Space>;
constexpr double mib = 1048576;

// ---- Memory of the device, from what Kokkos tells tools ----------------------------------------

std::atomic<std::int64_t> device_bytes{0}, most_device_bytes{0};

bool is_device(Kokkos::Tools::SpaceHandle space) {
  return std::string(space.name) == Space::memory_space::name();
}

void allocated(Kokkos::Tools::SpaceHandle space, char const*, void const*, std::uint64_t bytes) {
  if (!is_device(space)) return;
  std::int64_t const now = device_bytes += static_cast<std::int64_t>(bytes);
  most_device_bytes = std::max<std::int64_t>(most_device_bytes, now);
}

void freed(Kokkos::Tools::SpaceHandle space, char const*, void const*, std::uint64_t bytes) {
  if (is_device(space)) device_bytes -= static_cast<std::int64_t>(bytes);
}

void listen(Kokkos::Tools::allocateDataFunction on_allocation,
            Kokkos::Tools::deallocateDataFunction on_free) {
  Kokkos::Tools::Experimental::set_allocate_data_callback(on_allocation);
  Kokkos::Tools::Experimental::set_deallocate_data_callback(on_free);
}

// ---- Memory of the process, from Linux ---------------------------------------------------------

/// A line such as `VmHWM:  1234 kB`; 0 where there is none.
double status_mib(std::string const& key) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(key + ":"))
      return std::strtod(line.c_str() + key.size() + 1, nullptr) / 1024;
  return 0;
}

/// Makes the most resident memory that Linux remembers what is resident now.
bool forget_peak() {
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

double resident_peak_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

}  // namespace

MemoryMeter::MemoryMeter() {
  if (!on_host) listen(allocated, freed);
  reset();
}

MemoryMeter::~MemoryMeter() {
  if (!on_host) listen(nullptr, nullptr);
}

void MemoryMeter::reset() {
  if (!on_host) {
    most_device_bytes = device_bytes.load();
    held_ = static_cast<double>(device_bytes) / mib;
    return;
  }
  malloc_trim(0);
  can_reset_ = forget_peak() && status_mib("VmHWM") > 0;
  held_ = can_reset_ ? status_mib("VmRSS") : resident_peak_mib();
}

double MemoryMeter::growth_mib() const {
  double const peak = !on_host     ? static_cast<double>(most_device_bytes) / mib
                      : can_reset_ ? status_mib("VmHWM")
                                   : resident_peak_mib();
  return std::max(0.0, peak - held_);
}

std::string MemoryMeter::source() const {
  if (!on_host) return "memory of the device that Kokkos has allocated";
  if (can_reset_) return "VmHWM of /proc/self/status, reset before each case";
  return "ru_maxrss, which can't be reset: what a case needs beyond all that came before it";
}

}  // namespace kyrtos::bench
