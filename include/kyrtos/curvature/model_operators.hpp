// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/linear_operator.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/parallel/rank_sum.hpp>
#include <kyrtos/parallel/sharded_source.hpp>

#include <memory>
#include <vector>

/// \file
/// \brief The Hessian and the Gauss-Newton matrix of a Transformer's loss as linear operators.

namespace kyrtos::curvature {

/// Which second derivative of the loss ℓ(θ) = L(z(θ)).
enum class ModelMatrix {
  hessian,  ///< H = ∂²ℓ/∂θ²
  gauss_newton,  ///< G = Jᵀ(∂²L/∂z²)J, J = ∂z/∂θ: H without the curvature of the network itself.
};

/// y ← A x for the loss summed over a list of micro-batches and all ranks.
///
/// Nothing is stored but references: θ is read at every apply(), so that the operator follows
/// training. Where the vectors of `context` are sharded, so are x and y, and parts of x are
/// gathered when the model reads them. Exact, no finite differences: Transformer::hvp(), 8 forward
/// passes' FLOPs, or Transformer::gauss_newton(). With `weight` = 1/(targets of all batches on all
/// ranks) in each batch, A belongs to the mean loss.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class ModelOperator final : public LinearOperator<Scalar, Space> {
 public:
  using Batch = layers::Batch<Scalar, Space>;

  /// \param reduction how products are summed over ranks, overlapping the last micro-batch.
  /// \param workspace made with `tangents`, for the batches' shape; what the operator leaves in it
  /// is of no use to others. Model, workspace and θ must outlive the operator.
  ModelOperator(Context<Space> const& context, ModelMatrix matrix,
                Transformer<Scalar, Space> const& model,
                TransformerWorkspace<Scalar, Space>& workspace, VectorSource<Scalar, Space> theta,
                std::vector<Batch> batches, ReductionOptions const& reduction = {});

  Index size() const override { return size_; }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override;

  void set_batches(std::vector<Batch> batches) { batches_ = std::move(batches); }
  /// For another set of active blocks, whose memory another workspace has.
  void set_workspace(TransformerWorkspace<Scalar, Space>& workspace) { workspace_ = &workspace; }

 private:
  ModelMatrix matrix_;
  Transformer<Scalar, Space> const* model_;
  TransformerWorkspace<Scalar, Space>* workspace_;
  VectorSource<Scalar, Space> theta_;
  std::vector<Batch> batches_;
  Index size_;
  std::unique_ptr<ShardedSource<Scalar, Space>> x_;  // where vectors are sharded
  std::unique_ptr<RankSum<Scalar, Space>> sum_;
};

}  // namespace kyrtos::curvature
