// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/partition.hpp>
#include <kyrtos/parallel/mpi_memory.hpp>

#include <vector>

namespace kyrtos::parallel {

/// A row-major matrix within a flat vector.
struct MatrixRange {
  Index offset = 0, rows = 0, columns = 0;

  Index size() const { return rows * columns; }
  Partition::Range range() const { return {offset, size()}; }
};

/// Maps of whole matrices on vectors that lie on ranks in any way: each matrix falls to one rank,
/// which has it whole for as long as the map works on it.
///
/// Matrices are dealt out by size, so that ranks have about as much to do. What a map makes does
/// not depend on the number of ranks. Memory: where vectors are split, the largest matrix.
/// Messages: split, every matrix is gathered and scattered once; whole, it is sent by the rank that
/// has mapped it.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class WholeMatrices {
 public:
  using MutableVector = VectorView<Scalar, Space>;
  using Matrix = MatrixView<Scalar, Space>;

  /// \param partition of the vectors; no matrix crosses the border of two parts.
  WholeMatrices(Context<Space> const& context, std::string const& name, Partition const& partition,
                std::vector<MatrixRange> matrices);

  std::vector<MatrixRange> const& matrices() const { return matrices_; }
  Index largest_size() const;
  Index largest_side() const;  ///< Of the shorter sides.

  /// map(i, X) for every matrix i, in place. Collective; may return before the map is done.
  /// \throws Error with MPI's own text.
  template <class Map>
  void transform(Context<Space> const& context, MutableVector v, Map const& map) {
    auto const ranks = static_cast<std::size_t>(context.communicator().size());
    sent_.attach(v);
    for (std::size_t first = 0; first < order_.size(); first += ranks) {
      std::size_t const mine = first + static_cast<std::size_t>(context.communicator().rank());
      if (partition_.is_split()) gather(context, first);
      if (mine < order_.size()) map(order_[mine], matrix(v, matrices_[order_[mine]]));
      if (ranks > 1 || partition_.is_split()) spread(context, first);
    }
  }

 private:
  struct Cut;

  Matrix matrix(MutableVector v, MatrixRange const& m) const {
    return partition_.is_split() ? as_matrix(whole_, 0, m.rows, m.columns)
                                 : as_matrix(v, m.offset, m.rows, m.columns);
  }
  Cut cut(MatrixRange const& m, int ranks) const;
  void gather(Context<Space> const& context, std::size_t first);
  void spread(Context<Space> const& context, std::size_t first);

  Partition partition_;
  std::vector<MatrixRange> matrices_;
  std::vector<std::size_t> order_;  // the i-th falls to rank i modulo their number
  Vector<Scalar, Space> whole_;
  MpiMemory<Scalar, Space> sent_, received_;
};

}  // namespace kyrtos::parallel
