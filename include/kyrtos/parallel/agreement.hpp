// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/communicator.hpp>

#include <exception>
#include <string>

/// \file
/// \brief Failures of one rank made failures of all: a rank that gave up alone would leave the
/// others waiting for it in their next collective operation.

namespace kyrtos::parallel {

/// Runs work() on every rank. Where it throws on any, all ranks throw E with the words of the
/// lowest such rank. Collective; `work` itself need not be.
template <class E, class Work>
void in_agreement(Communicator const& ranks, Work const& work) {
  bool failed = false;
  std::string words;
  try {
    work();
  } catch (std::exception const& error) {
    failed = true;
    words = error.what();
  }
  int const none = ranks.size();
  auto const lowest = -static_cast<int>(ranks.max(-(failed ? ranks.rank() : none)));
  if (lowest != none) throw E(ranks.broadcast(words, lowest));
}

/// Runs work() on rank 0 only. Where it throws, all ranks throw E with its words.
template <class E, class Work>
void on_root(Communicator const& ranks, Work const& work) {
  in_agreement<E>(ranks, [&] {
    if (ranks.is_root()) work();
  });
}

}  // namespace kyrtos::parallel
