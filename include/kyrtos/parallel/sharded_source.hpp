// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/vector_access.hpp>
#include <kyrtos/parallel/part_buffers.hpp>

#include <map>
#include <utility>

namespace kyrtos::parallel {

/// A sharded vector as a model reads it: each part is gathered from all ranks when it is needed,
/// and the next one meanwhile. What comes next it knows from the last time, because passes repeat.
///
/// begin(v) whenever the vector has changed. Memory: the largest part, and twice the largest of the
/// others. Collective: all ranks read the same parts in the same order. \throws Error with the
/// words of MPI or NCCL.
template <class Scalar, class Space>
class ShardedSource final : public PartSource<Scalar, Space> {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using Range = ParameterLayout::Range;

  /// \param partition a split one.
  ShardedSource(Context<Space> const& context, Partition const& partition);
  ~ShardedSource() override;
  ShardedSource(ShardedSource const&) = delete;

  /// Reads this rank's slices from here on. They must not change before the next begin().
  void begin(ConstVector local);

  Index size() const override { return partition_.size(); }
  ConstVector gather(Range range) override;

 private:
  using Buffer = typename PartBuffers<Scalar, Space>::Buffer;

  Buffer& start(std::size_t part);
  void wait(Buffer& buffer);
  void look_ahead();

  Context<Space> context_;
  Partition partition_;
  ConstVector local_;
  MpiMemory<Scalar, Space> sent_;
  PartBuffers<Scalar, Space> buffers_;
  using Steps = std::pair<std::size_t, std::size_t>;  // two parts, one after the other
  std::map<Steps, std::size_t> following_;
  Steps last_;
};

}  // namespace kyrtos::parallel
