// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "support/temporary_directory.hpp"

#include <cstring>
#include <string>
#include <vector>

// Files as the format's description says, by hand.

namespace kyrtos::testing {

/// The bytes of numbers.
template <class T>
std::string raw(std::vector<T> const& values) {
  std::string bytes(values.size() * sizeof(T), '\0');
  if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

/// A file with this header and these data.
inline std::string container(std::string const& header, std::string const& data) {
  std::string length(8, '\0');
  for (std::size_t i = 0; i < 8; ++i) length[i] = static_cast<char>(header.size() >> 8 * i & 0xFF);
  return length + header + data;
}

}  // namespace kyrtos::testing
