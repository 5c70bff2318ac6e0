// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/model_operators.hpp>
#include <kyrtos/train/sharded_parameters.hpp>

#include <optional>
#include <vector>

namespace kyrtos {

/// The loss along one step Δ of an optimiser, ℓ(θ + sΔ) = ℓ + s⟨∇ℓ, Δ⟩ + s²⟨Δ, HΔ⟩/2 + …, from one
/// exact Hessian-vector product, and a step of another length in the same direction.
///
/// Memory: three vectors of θ's length, in pieces where θ is, and a workspace with tangents.
template <class Scalar, class Space>
class LineModel {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;
  using Batch = layers::Batch<Scalar, Space>;

  /// \param context with shards, if θ is sharded as `shard` says.
  LineModel(Context<Space> const& context, Transformer<Scalar, Space> const& model,
            SequenceShape shape, ParallelConfig::Shard shard = ParallelConfig::Shard::none,
            ReductionOptions const& reduction = {});

  /// Memory for the blocks that take part, before the first measure().
  void set_active(ActiveBlocks const& active);

  /// Keeps θ, just before the optimiser moves it.
  void begin(ConstVector theta);

  struct Terms {
    double slope = 0;      ///< ⟨∇ℓ, Δ⟩
    double curvature = 0;  ///< ⟨Δ, HΔ⟩
  };
  /// At the θ that was kept, for Δ = moved − θ. Collective.
  /// \param gradient ∇ℓ there, summed over ranks. \param batches this rank's micro-batches of ℓ.
  Terms measure(ConstVector moved, ConstVector gradient, std::vector<Batch> const& batches);

  /// moved ← θ + share·Δ, after measure().
  void go(double share, MutableVector moved);

 private:
  Context<Space> context_;
  Transformer<Scalar, Space> const* model_;
  SequenceShape shape_;
  ReductionOptions reduction_;
  ShardedParameters<Scalar, Space> theta_;
  Vector<Scalar, Space> step_, product_;
  std::optional<TransformerWorkspace<Scalar, Space>> workspace_;
  std::optional<curvature::ModelOperator<Scalar, Space>> hessian_;
};

}  // namespace kyrtos
