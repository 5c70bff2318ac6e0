// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/parameter_layout.hpp>

#include <memory>
#include <vector>

namespace kyrtos {

/// How a flat vector lies on the ranks of a communicator.
///
/// *Whole*: every rank holds all of it. *Split*: it is cut into parts (a model's stages), and of
/// each part rank r of R holds the r-th of R slices of equal length, ⌈size/R⌉; the last slice may
/// end in padding. A rank's slices follow each other in a local vector of local_size() elements.
///
/// So a part is gathered by one all-gather and summed by one reduce-scatter; blocks of one kind are
/// cut alike, so that what copies from block to block stays on its rank; and algebra on vectors
/// needs local slices and sums over ranks. Copies share their table and are cheap.
class Partition {
 public:
  using Range = ParameterLayout::Range;

  struct Part {
    Range range;
    Index slice = 0;  ///< Elements a rank.
    Index local = 0;  ///< Where this rank's slice begins in a local vector.
  };

  /// Elements that this rank holds: [offset, offset + size) of the vector lie at `local`.
  struct Slice {
    Index offset = 0, local = 0, size = 0;
  };

  /// Whole on every rank. (Implicit: a size is the partition of a vector that is not cut.)
  Partition(Index size = 0) : size_(size), local_size_(size) {}

  /// Split. \param parts follow each other without gaps from 0.
  Partition(std::vector<Range> const& parts, int rank, int ranks);

  bool is_split() const { return parts_ != nullptr; }
  Index size() const { return size_; }
  Index local_size() const { return local_size_; }
  int ranks() const { return ranks_; }
  /// Of a split vector.
  std::vector<Part> const& parts() const { return *parts_; }

  /// The part of a split vector that holds all of a range. \throws ShapeError when none does.
  std::size_t part_of(Range range) const;

  /// What this rank holds of a range, in order; at most one slice a part.
  std::vector<Slice> slices(Range range) const;

 private:
  int rank_ = 0, ranks_ = 1;
  Index size_ = 0, local_size_ = 0;
  std::shared_ptr<std::vector<Part> const> parts_;
};

}  // namespace kyrtos
