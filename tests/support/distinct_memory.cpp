// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifdef KYRTOS_DISTINCT_MEMORY

#include "distinct_memory.hpp"

#include <csignal>
#include <cstdint>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <utility>

namespace kyrtos::distinct {

namespace {

struct Allocation {
  std::size_t bytes;
  std::string label;
  bool is_open = false;
};

/// All there is of the space; the one global state of the library, in this kind of build alone.
struct Pages {
  std::mutex mutex;
  std::map<char*, Allocation> allocations;  ///< By their beginning.
  int at_work = 0;                          ///< Kernels, copies and libraries.
  struct sigaction others {};               ///< Whose turn it is after on_fault().
};

/// Never destroyed: Views may be, later than any static object.
Pages& pages() {
  static auto* const instance = new Pages;
  return *instance;
}

std::size_t page_size() {
  static auto const size = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  return size;
}

std::size_t in_pages(std::size_t bytes) {
  return (bytes + page_size() - 1) / page_size() * page_size();
}

void say(std::string const& text) {
  [[maybe_unused]] auto const written = write(STDERR_FILENO, text.data(), text.size());
}

/// The allocation that holds an address, or the end.
auto at(void const* memory) {
  auto& all = pages().allocations;
  auto* const address = static_cast<char*>(const_cast<void*>(memory));
  auto const after = all.upper_bound(address);
  if (after == all.begin()) return all.end();
  auto const before = std::prev(after);
  return address < before->first + before->second.bytes ? before : all.end();
}

void open_pages(std::pair<char* const, Allocation>& of) {
  mprotect(of.first, of.second.bytes, PROT_READ | PROT_WRITE);
  of.second.is_open = true;
}

/// What is touched first while work is going on is opened. All else is left, with the name of the
/// View, to whoever was there before: Catch2, or the system. Does nothing that a signal may not,
/// unless the process is lost anyhow: no code touches the pages while it holds the mutex.
void on_fault(int signal, siginfo_t* info, void*) {
  std::lock_guard const lock(pages().mutex);
  if (auto const found = at(info->si_addr); found != pages().allocations.end()) {
    if (pages().at_work > 0) return open_pages(*found);
    auto const byte = static_cast<char*>(info->si_addr) - found->first;
    say("\nHost code touched memory of kernels: byte " + std::to_string(byte) + " of '" +
        found->second.label + "'\n");
  }
  sigaction(signal, &pages().others, nullptr);
}

/// Handlers come and go, Catch2's with each test case: ours has to be the last that came.
void be_asked_first() {
  struct sigaction before {};
  struct sigaction ours {};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO;
  sigaction(SIGSEGV, &ours, &before);
  bool const was_ours = (before.sa_flags & SA_SIGINFO) != 0 && before.sa_sigaction == on_fault;
  if (!was_ours) pages().others = before;
}

void begin_work() {
  std::lock_guard const lock(pages().mutex);
  if (pages().at_work++ == 0) be_asked_first();
}

void end_work() {
  std::lock_guard const lock(pages().mutex);
  if (--pages().at_work > 0) return;
  for (auto& [begin, allocation] : pages().allocations)
    if (std::exchange(allocation.is_open, false)) mprotect(begin, allocation.bytes, PROT_NONE);
}

/// Kokkos tells tools where kernels and copies begin and end.
void listen() {
  using namespace Kokkos::Tools::Experimental;
  auto const begin = [](char const*, std::uint32_t, std::uint64_t*) { begin_work(); };
  auto const end = [](std::uint64_t) { end_work(); };
  set_begin_parallel_for_callback(begin);
  set_end_parallel_for_callback(end);
  set_begin_parallel_reduce_callback(begin);
  set_end_parallel_reduce_callback(end);
  set_begin_parallel_scan_callback(begin);
  set_end_parallel_scan_callback(end);
  set_begin_deep_copy_callback([](Kokkos::Tools::SpaceHandle, char const*, void const*,
                                  Kokkos::Tools::SpaceHandle, char const*, void const*,
                                  std::uint64_t) { begin_work(); });
  set_end_deep_copy_callback([] { end_work(); });
}

}  // namespace

bool holds(void const* memory) {
  std::lock_guard const lock(pages().mutex);
  return at(memory) != pages().allocations.end();
}

Opened::Opened() {
  begin_work();
}

Opened::~Opened() {
  end_work();
}

/// Kokkos heads an allocation with its bookkeeping, which is the host's: it lies in an open page
/// just before the closed ones.
void* ClosedPages::impl_allocate(char const* label, std::size_t bytes, std::size_t bytes_for_tools,
                                 Kokkos::Tools::SpaceHandle handle) const {
  std::size_t const data = in_pages(bytes_for_tools), header = bytes - bytes_for_tools;
  void* const mapped =
      mmap(nullptr, page_size() + data, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (mapped == MAP_FAILED) throw std::bad_alloc();
  char* const begin = static_cast<char*>(mapped) + page_size();
  mprotect(begin, data, PROT_NONE);
  static std::once_flag first;
  std::call_once(first, listen);
  {
    std::lock_guard const lock(pages().mutex);
    pages().allocations.emplace(begin, Allocation{data, label});
  }
  Kokkos::Profiling::allocateData(handle, label, begin, bytes_for_tools);
  return begin - header;
}

void ClosedPages::impl_deallocate(char const* label, void* memory, std::size_t bytes,
                                  std::size_t bytes_for_tools,
                                  Kokkos::Tools::SpaceHandle handle) const {
  char* const begin = static_cast<char*>(memory) + (bytes - bytes_for_tools);
  Kokkos::Profiling::deallocateData(handle, label, begin, bytes_for_tools);
  std::lock_guard const lock(pages().mutex);
  pages().allocations.erase(begin);
  munmap(begin - page_size(), page_size() + in_pages(bytes_for_tools));
}

void Opened::open(void const* memory) {
  std::lock_guard const lock(pages().mutex);
  if (auto const found = at(memory); found != pages().allocations.end()) open_pages(*found);
}

}  // namespace kyrtos::distinct

#endif
