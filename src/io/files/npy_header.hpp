// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// \file
/// \brief The header of NumPy's .npy files: `\x93NUMPY`, two bytes of version, the length of a text
/// in two bytes (version 1) or four (2 and 3), and the text, `{'descr': '<u2', 'fortran_order':
/// False, 'shape': (5,), }`. \see numpy.lib.format

namespace kyrtos::io {

struct NpyHeader {
  std::string type;  ///< As NumPy writes it, such as `<u2`.
  std::vector<Index> shape;
  std::uint64_t bytes = 0;  ///< Of the whole header: where the values begin.
};

/// No header is longer than this.
inline constexpr std::size_t longest_npy_header = 1 << 17;

/// \param head the file's first bytes, the longest header's if it has as many.
/// \throws FileError, without the path, when it is of a newer version or no such header.
NpyHeader parse_npy_header(std::string_view head);

}  // namespace kyrtos::io
