// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include "../parallel/nccl_stand_in.hpp"

#include <cstdlib>
#include <dlfcn.h>
#include <stdexcept>
#include <string>

/// \file
/// \brief The library that stands in for NCCL, for tests.

namespace kyrtos::testing {

/// Its path.
inline std::string stand_in_library() {
  char const* const path = std::getenv("KYRTOS_TEST_NCCL");
  if (path == nullptr) throw std::runtime_error("the environment has no KYRTOS_TEST_NCCL");
  return path;
}

inline NcclStandIn& stand_in() {
  static void* const library = dlopen(stand_in_library().c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw std::runtime_error(dlerror());
  return *reinterpret_cast<decltype(&nccl_stand_in)>(dlsym(library, "nccl_stand_in"))();
}

/// Forgets what was counted.
inline NcclStandIn& fresh_stand_in() {
  auto& it = stand_in();
  it.all_reduces = it.reduce_scatters = it.all_gathers = it.done = it.aborted = 0;
  return it;
}

/// Vectors go through it.
inline ContextOptions through_stand_in() {
  return {.transport = Transport::nccl, .nccl_library = stand_in_library()};
}

}  // namespace kyrtos::testing
