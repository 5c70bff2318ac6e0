// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/io/safetensors.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace kyrtos::io::safetensors {

/// The longest header that the format's own library takes.
inline constexpr std::uint64_t longest_header = 100'000'000;

struct Header {
  std::vector<StoredTensor> tensors;  ///< In the order of their bytes.
  std::map<std::string, std::string> metadata;
};

/// Reads a header's JSON. Its tensors cover the first bytes of the data without a hole or an
/// overlap, and each has as many as its type and shape say. \throws FileError without the path.
Header parse_header(std::string_view text);

/// The header of these tensors, ready to be written: with its length, and padded.
std::string to_bytes(Header const& header);

/// Of one number of a type; nothing for a type that isn't known.
std::optional<std::uint64_t> bytes_of(std::string_view type);

}  // namespace kyrtos::io::safetensors
