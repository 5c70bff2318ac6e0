// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>

/// \file
/// \brief What tests say to the library that stands in for NCCL, and hear from it.

struct NcclStandIn {
  int all_reduces, reduce_scatters, all_gathers;  ///< Started,
  int done;                                       ///< and of all those, arrived.
  int aborted;                                    ///< Communicators that were given up.
  /// memcpy(), unless memory is a special one.
  void (*copy)(void* to, void const* from, std::size_t bytes);
  char failing[32];  ///< The call that fails next, such as `ncclAllReduce`; empty: none.

  int started() const { return all_reduces + reduce_scatters + all_gathers; }
};

extern "C" NcclStandIn* nccl_stand_in(void);
