// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/error.hpp>

#include "format.hpp"
#include "machine.hpp"

#include <string>

namespace kyrtos::program {

/// Before the work, on hosts: Linux would grant the memory, and end the program when it fills it.
/// Collective. \param bytes of this rank. \throws ConfigError with what to change.
template <class Space>
void require_memory(Context<Space> const& context, double bytes, std::string const& what,
                    std::string const& fix) {
  if (!compat::runs_on_host<Space>) return;
  auto const& ranks = context.communicator();
  double const available = available_memory(), all = bytes * ranks_on_node(ranks.get());
  if (ranks.any(available > 0 && all > available))
    throw ConfigError(fmt::format("{} would take {} on a node that has {} left: {}", what,
                                  bytes_text(all), bytes_text(available), fix));
}

/// What a Context that only counts has counted.
template <class Space>
double counted_bytes(Context<Space> const& counting) {
  double sum = 0;
  for (auto const& [name, bytes] : counting.counted()) sum += static_cast<double>(bytes);
  return sum;
}

}  // namespace kyrtos::program
