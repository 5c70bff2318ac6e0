// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/version.hpp>
#include <kyrtos/io/checkpoint.hpp>

#include "../hdf5/hdf5.hpp"
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

inline std::size_t bytes_of(CheckpointText const& text) {
  return text.config.size() + text.state.size();
}

inline void write_format(hid_t file, char const* format) {
  hdf5::write_text(file, "format", format);
  hdf5::write_integer(file, "version", format_version);
  hdf5::write_text(file, "writer", std::string(own_writer) + " " + version());
}

/// All of a checkpoint that no vector holds.
inline void write_header(hid_t file, CheckpointText const& text) {
  write_format(file, checkpoint_format);
  hdf5::write_text(file, "config", text.config);
  hdf5::write_text(file, "state", text.state);
  hdf5::write_checksum(file, "text_checksum", checksum_of(text));
}

}  // namespace kyrtos::io
