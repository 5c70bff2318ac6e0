// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/partition.hpp>

#include <algorithm>

namespace kyrtos {

Partition::Partition(std::vector<Range> const& ranges, int rank, int ranks)
    : rank_(rank), ranks_(ranks) {
  std::vector<Part> parts;
  for (auto const& range : ranges) {
    require(range.offset == size_, "Partition: the parts must follow each other without gaps");
    Index const slice = (range.size + ranks - 1) / ranks;
    parts.push_back({range, slice, local_size_});
    size_ += range.size;
    local_size_ += slice;
  }
  parts_ = std::make_shared<std::vector<Part> const>(std::move(parts));
}

std::size_t Partition::part_of(Range range) const {
  auto const after =
      std::upper_bound(parts().begin(), parts().end(), range.offset,
                       [](Index offset, Part const& part) { return offset < part.range.offset; });
  require(after != parts().begin(), "Partition: a range before the first part");
  auto const& part = *(after - 1);
  require(range.offset + range.size <= part.range.offset + part.range.size,
          "Partition: a range over the border of two parts");
  return static_cast<std::size_t>(after - 1 - parts().begin());
}

auto Partition::slices(Range range) const -> std::vector<Slice> {
  if (!is_split()) return {{range.offset, range.offset, range.size}};
  std::vector<Slice> found;
  for (auto const& part : parts()) {
    Index const first = part.range.offset + rank_ * part.slice;
    Index const end = std::min(first + part.slice, part.range.offset + part.range.size);
    Index const from = std::max(first, range.offset), to = std::min(end, range.offset + range.size);
    if (from < to) found.push_back({from, part.local + from - first, to - from});
  }
  return found;
}

}  // namespace kyrtos
