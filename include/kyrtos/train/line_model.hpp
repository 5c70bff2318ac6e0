// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/transformer.hpp>

#include <optional>
#include <vector>

namespace kyrtos {

/// The loss along one step Δ of an optimiser, ℓ(θ + sΔ) = ℓ + s⟨∇ℓ, Δ⟩ + s²⟨Δ, HΔ⟩/2 + …, from one
/// exact Hessian-vector product, and a step of another length in the same direction.
///
/// Memory: three vectors of θ's length and a workspace with tangents. Only two numbers travel
/// between ranks.
template <class Scalar, class Space>
class LineModel {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;
  using Batch = layers::Batch<Scalar, Space>;

  LineModel(Context<Space> const& context, Transformer<Scalar, Space> const& model,
            SequenceShape shape);

  /// Memory for the blocks that take part, before the first measure().
  void set_active(ActiveBlocks const& active);

  /// Keeps θ, just before the optimiser moves it.
  void begin(ConstVector theta);

  struct Terms {
    double slope = 0;      ///< ⟨∇ℓ, Δ⟩
    double curvature = 0;  ///< ⟨Δ, HΔ⟩
  };
  /// At the θ that was kept, for Δ = moved − θ, on this rank's micro-batches. Collective.
  Terms measure(ConstVector moved, std::vector<Batch> const& batches);

  /// moved ← θ + share·Δ, after measure().
  void go(double share, MutableVector moved);

 private:
  Context<Space> context_;
  Transformer<Scalar, Space> const* model_;
  SequenceShape shape_;
  std::optional<TransformerWorkspace<Scalar, Space>> workspace_;
  Vector<Scalar, Space> theta_, step_, product_;
};

}  // namespace kyrtos
