// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/batch.hpp>

#include <span>
#include <vector>

namespace kyrtos::train {

/// Device memory for this rank's share of a global batch of token sequences, cut into
/// micro-batches of one shape. Allocated once; load() copies host tokens in.
template <class Scalar, class Space>
class MicroBatches {
 public:
  using Batch = kyrtos::Batch<Scalar, Space>;

  /// \param count micro-batches of `shape` each, and so many `fillers` of weight 0.
  MicroBatches(Context<Space> const& context, SequenceShape shape, Index count, Index fillers = 0)
      : context_(context),
        shape_(shape),
        count_(count),
        fillers_(fillers),
        inputs_(allocate<Token>(context, "tokens::inputs", (count + fillers) * shape.tokens())),
        targets_(allocate<Token>(context, "tokens::targets", (count + fillers) * shape.tokens())) {}

  Index sequences() const { return count_ * shape_.batch; }
  Index tokens() const { return count_ * shape_.tokens(); }
  SequenceShape shape() const { return shape_; }

  /// Copies tokens() inputs and targets from the host; waits until they may be reused.
  void load(std::span<Token const> inputs, std::span<Token const> targets, double weight) {
    using Host = Kokkos::View<Token const*, Kokkos::LayoutRight, Kokkos::HostSpace, Unmanaged>;
    Kokkos::deep_copy(context_.space(), slice(inputs_, 0, tokens()),
                      Host(inputs.data(), inputs.size()));
    Kokkos::deep_copy(context_.space(), slice(targets_, 0, tokens()),
                      Host(targets.data(), targets.size()));
    context_.fence("kyrtos::MicroBatches::load");
    weight_ = weight;
  }

  /// Sequences [first, first + count) as one micro-batch.
  Batch range(Index first, Index count) const {
    Batch batch;
    batch.shape = {count, shape_.length};
    batch.inputs = slice(inputs_, first * shape_.length, batch.shape.tokens());
    batch.targets = slice(targets_, first * shape_.length, batch.shape.tokens());
    batch.weight = weight_;
    return batch;
  }

  std::vector<Batch> all() const {
    std::vector<Batch> batches;
    for (Index i = 0; i < count_ + fillers_; ++i) {
      batches.push_back(range(i * shape_.batch, shape_.batch));
      if (i >= count_) batches.back().weight = 0;
    }
    return batches;
  }

 private:
  Context<Space> context_;
  SequenceShape shape_;
  Index count_ = 0, fillers_ = 0;
  double weight_ = 1;
  Vector<Token, Space> inputs_, targets_;
};

}  // namespace kyrtos::train
