// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "terminal.hpp"

#include <algorithm>
#include <sys/ioctl.h>

namespace kyrtos::program {

namespace {

bool continues(char byte) {
  return (static_cast<unsigned char>(byte) & 0xC0) == 0x80;
}

std::size_t width(std::string const& text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
}

std::string joined(std::vector<Piece> const& pieces) {
  std::string text;
  for (auto const& piece : pieces) text += (text.empty() ? "" : "  ") + piece.text;
  return text;
}

}  // namespace

std::size_t terminal_columns(int descriptor) {
  winsize size{};
  bool const is_known = ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return is_known ? size.ws_col : 80;
}

std::string fitted(std::vector<Piece> pieces, std::size_t columns) {
  auto const by_rank = [](Piece const& a, Piece const& b) { return a.rank < b.rank; };
  while (pieces.size() > 1 && width(joined(pieces)) > columns)
    pieces.erase(std::min_element(pieces.begin(), pieces.end(), by_rank));
  auto text = joined(pieces);
  while (width(text) > columns) {
    while (continues(text.back())) text.pop_back();
    text.pop_back();
  }
  return text;
}

}  // namespace kyrtos::program
