// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cstddef>
#include <string>
#include <vector>

/// \file
/// \brief Lines that are rewritten on a terminal: one that wraps could not be taken back.

namespace kyrtos::program {

/// Of the terminal that this descriptor is, as it is now; 80 where it doesn't say.
std::size_t terminal_columns(int descriptor);

/// A piece of a line; those of the lowest rank are left out first where room is short.
struct Piece {
  std::string text;
  int rank = 0;
};

/// As many pieces as fit into so many columns, two spaces between them; cut off where even the most
/// important are too long. A character of UTF-8 takes one column.
std::string fitted(std::vector<Piece> pieces, std::size_t columns);

}  // namespace kyrtos::program
