// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/parameter_layout.hpp>

#include <vector>

namespace kyrtos {

/// How a flat vector lies on several ranks: it is cut into parts (a model's stages), and of each
/// part rank r of R has the r-th of R pieces of equal length, ⌈size/R⌉, the last of which may be
/// padded.
///
/// A rank's pieces follow each other in a local vector. A part is gathered by one all-gather and
/// summed by one reduce-scatter, blocks of one kind are cut alike, so that what copies from block
/// to block stays local, and algebra on vectors needs the local ones and sums over ranks.
class Shards {
 public:
  using Range = ParameterLayout::Range;

  struct Part {
    Range range;
    Index piece = 0;  ///< Elements a rank.
    Index local = 0;  ///< Where this rank's piece begins in a local vector.
  };

  /// Elements that this rank has of a range: [offset, offset + size) is at `local`.
  struct Piece {
    Index offset = 0, local = 0, size = 0;
  };

  /// \param parts follow each other without gaps from 0.
  Shards(std::vector<Range> const& parts, int rank, int ranks);

  Index size() const { return size_; }
  Index local_size() const { return local_size_; }
  int ranks() const { return ranks_; }
  std::vector<Part> const& parts() const { return parts_; }

  /// The part that holds all of a range. \throws ShapeError when none does.
  std::size_t part_of(Range range) const;

  /// This rank's share of a range, in order; at most one piece a part.
  std::vector<Piece> pieces(Range range) const;

 private:
  int rank_, ranks_;
  Index size_ = 0, local_size_ = 0;
  std::vector<Part> parts_;
};

/// The same where null stands for whole vectors: then the range itself.
inline std::vector<Shards::Piece> pieces_of(Shards const* shards, Shards::Range range) {
  if (shards != nullptr) return shards->pieces(range);
  return {{range.offset, range.offset, range.size}};
}

}  // namespace kyrtos
