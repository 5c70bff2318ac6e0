// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/io/checkpoint.hpp>

#include "checksum.hpp"

#include <cstdint>

/// \file
/// \brief What writer and reader of checkpoints must agree on. docs/checkpoint.md says it in words.

namespace kyrtos::io {

inline constexpr char checkpoint_format[] = "kyrtos checkpoint";
inline constexpr char vectors_format[] = "kyrtos vectors";
inline constexpr std::int64_t format_version = 1;

/// Files whose `writer` starts with this have a checksum everywhere.
inline constexpr char own_writer[] = "kyrtos";

inline std::uint64_t checksum_of(CheckpointText const& text) {
  return checksum::sum(text.config + '\0' + text.state);
}

}  // namespace kyrtos::io
