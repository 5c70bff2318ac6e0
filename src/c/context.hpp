// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>
#include <kyrtos/core/context.hpp>

#include "handle.hpp"

namespace kyrtos::c {

struct ContextBody {
  Context<Space> context;
  void* stream;
};

/// Runs work() on every rank. Where it fails on any, all of them fail as the lowest such rank
/// does, before a collective operation could wait for the one that gave up. Collective.
template <class Work>
void agreed(Communicator const& ranks, Work const& work) {
  struct Nobody final : HandleOf<int> {
    Nobody() : HandleOf<int>(nullptr, nullptr) {}
  } verdict;
  auto const status = guarded(&verdict, work);
  int const none = ranks.size();
  auto const lowest = -static_cast<int>(ranks.max(-(status == KYRTOS_OK ? none : ranks.rank())));
  if (lowest == none) return;
  double const number = status;
  double shared = number;
  ranks.broadcast(std::as_writable_bytes(std::span(&shared, 1)), lowest);
  auto const words = ranks.broadcast(verdict.error(), lowest);
  throw Failure(static_cast<kyrtos_status>(static_cast<int>(shared)), words);
}

}  // namespace kyrtos::c

struct kyrtos_context final : kyrtos::c::HandleOf<kyrtos::c::ContextBody> {
  using HandleOf::HandleOf;
};
