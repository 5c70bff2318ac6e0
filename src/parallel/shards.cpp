// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/parallel/shards.hpp>

#include <algorithm>

namespace kyrtos {

Shards::Shards(std::vector<Range> const& parts, int rank, int ranks) : rank_(rank), ranks_(ranks) {
  for (auto const& range : parts) {
    require(range.offset == size_, "Shards: the parts must follow each other without gaps");
    Index const piece = (range.size + ranks - 1) / ranks;
    parts_.push_back({range, piece, local_size_});
    size_ += range.size;
    local_size_ += piece;
  }
}

std::size_t Shards::part_of(Range range) const {
  auto const after =
      std::upper_bound(parts_.begin(), parts_.end(), range.offset,
                       [](Index offset, Part const& part) { return offset < part.range.offset; });
  require(after != parts_.begin(), "Shards: a range before the first part");
  auto const& part = *(after - 1);
  require(range.offset + range.size <= part.range.offset + part.range.size,
          "Shards: a range over the border of two parts");
  return static_cast<std::size_t>(after - 1 - parts_.begin());
}

auto Shards::pieces(Range range) const -> std::vector<Piece> {
  std::vector<Piece> found;
  for (auto const& part : parts_) {
    Index const first = part.range.offset + rank_ * part.piece;
    Index const end = std::min(first + part.piece, part.range.offset + part.range.size);
    Index const from = std::max(first, range.offset), to = std::min(end, range.offset + range.size);
    if (from < to) found.push_back({from, part.local + from - first, to - from});
  }
  return found;
}

}  // namespace kyrtos
