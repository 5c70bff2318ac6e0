// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/objective.hpp>

#include <vector>

namespace kyrtos::train {

/// The loss along one step Δ of an optimiser, ℓ(θ + sΔ) = ℓ + s⟨∇ℓ, Δ⟩ + s²⟨Δ, HΔ⟩/2 + …, from one
/// exact Hessian-vector product, and a step of another length in the same direction.
///
/// Memory: three vectors of θ's length, split as θ is, and a workspace with tangents.
template <class Scalar, class Space>
class LineModel {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;

  /// \param objective whose parameters are moved. \param shape of micro-batches.
  LineModel(model::Objective<Scalar, Space> const& objective, SequenceShape shape);

  /// Memory for the blocks that take part.
  void set_active(model::ActiveBlocks const& active) { objective_.set_active(active); }

  /// Keeps θ, just before the optimiser moves it.
  void begin();

  struct Terms {
    double slope = 0;      ///< ⟨∇ℓ, Δ⟩
    double curvature = 0;  ///< ⟨Δ, HΔ⟩
  };
  /// At the θ that was kept, for Δ = θ − kept θ. Collective.
  /// \param gradient ∇ℓ there, summed over ranks. \param batches this rank's micro-batches of ℓ.
  Terms measure(ConstVector gradient, std::vector<Batch> const& batches);

  /// θ ← kept θ + share·Δ, after measure().
  void move(double share);

 private:
  model::Parameters<Scalar, Space>* moved_;
  Context<Space> context_;
  model::Parameters<Scalar, Space> kept_;
  Vector<Scalar, Space> step_, product_;
  model::Objective<Scalar, Space> objective_;
};

}  // namespace kyrtos::train
