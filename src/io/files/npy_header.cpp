// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "npy_header.hpp"

#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace kyrtos::io {

namespace {

constexpr std::size_t preamble = 8;  // the signature and the version

/// What follows the key in the text of a header, which is a dictionary of Python.
std::string_view value_of(std::string_view text, std::string_view key) {
  auto const at = text.find(fmt::format("'{}':", key));
  if (at == text.npos) throw FileError(fmt::format("has no '{}'", key));
  auto const rest = text.substr(at + key.size() + 3);
  return rest.substr(std::min(rest.find_first_not_of(' '), rest.size()));
}

std::string parse_type(std::string_view value) {
  auto const end = value.find('\'', 1);
  if (!value.starts_with('\'') || end == value.npos)
    throw FileError("holds records of several fields; save the one that is wanted");
  return std::string(value.substr(1, end - 1));
}

/// `(5,)`, and `(5L,)` in what Python 2 wrote.
std::vector<Index> parse_shape(std::string_view value) {
  auto const close = value.find(')');
  std::vector<Index> shape;
  if (!value.starts_with('(') || close == value.npos) throw FileError("has no tuple in 'shape'");
  value = value.substr(1, close - 1);
  for (std::size_t at = 0; (at = value.find_first_not_of(", L", at)) != value.npos;) {
    Index extent = 0;
    auto const [end, error] =
        std::from_chars(value.data() + at, value.data() + value.size(), extent);
    if (error != std::errc() || extent < 0) throw FileError("has the shape (" + shown(value) + ")");
    shape.push_back(extent);
    at = static_cast<std::size_t>(end - value.data());
  }
  return shape;
}

}  // namespace

NpyHeader parse_npy_header(std::string_view head) {
  auto const byte = [&](std::size_t i) {
    return i < head.size() ? static_cast<unsigned char>(head[i]) : std::size_t{0};
  };
  auto const version = byte(6);
  if (version < 1 || version > 3)
    throw FileError(fmt::format("has version {} of NumPy's format, known are 1 to 3", version));
  std::size_t const width = version == 1 ? 2 : 4;
  std::size_t length = 0;
  for (std::size_t i = width; i-- > 0;) length = length << 8 | byte(preamble + i);
  NpyHeader header;
  header.bytes = preamble + width + length;
  if (header.bytes > longest_npy_header)
    throw FileError(fmt::format("has {} bytes, more than {}", length, longest_npy_header));
  if (header.bytes > head.size()) throw FileError("is cut off");
  auto const text = head.substr(preamble + width, length);
  header.type = parse_type(value_of(text, "descr"));
  header.shape = parse_shape(value_of(text, "shape"));
  if (header.shape.size() > 1 && value_of(text, "fortran_order").starts_with("True"))
    throw FileError("has columns before rows (Fortran's order)");
  return header;
}

}  // namespace kyrtos::io
