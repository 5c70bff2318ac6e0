// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/linear_operator.hpp>
#include <kyrtos/model/parameters.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/parallel/rank_sum.hpp>

#include <memory>
#include <optional>
#include <vector>

namespace kyrtos::model {

struct ObjectiveOptions {
  TransformerWorkspaceOptions workspace = {};
  parallel::ReductionOptions reduction = {};
  /// Of a micro-batch whose activations gradient() keeps, for which memory is made at once.
  SequenceShape kept_shape = {};
};

/// A micro-batch that is part of a larger batch, and also one of its own.
template <class Scalar, class Space>
struct KeptBatch {
  Batch<Scalar, Space> batch;  ///< With its weight within the larger batch.
  double weight_alone = 1;     ///< 1/(targets of the kept micro-batches of all ranks).
};

/// The loss of a model at its parameters θ, summed over this rank's micro-batches and over all
/// ranks, with its derivatives.
///
/// Everything that takes derivatives of a loss here uses this class: the loop over micro-batches
/// and the sum over ranks stand nowhere else. Sums over ranks are under way while the last
/// micro-batch is still being computed. With `weight` = 1/(targets of all batches on all ranks) in
/// each batch, the loss is the mean; the derivatives are exact, without finite differences.
///
/// θ is read at every call, so that an objective follows training. Vectors u, gradient and product
/// are this rank's part of vectors that lie on the ranks as θ does (partition()). Model and
/// parameters must outlive the objective. Collective, every function that computes; where vectors
/// are split, all ranks must have as many micro-batches (of weight 0, if need be).
///
/// Cost in forward passes of all micro-batches: loss 1, gradient 3, gauss_newton 5, hvp 8,
/// gradient_and_hvp 9.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class Objective {
 public:
  using ConstVector = VectorView<Scalar const, Space>;
  using MutableVector = VectorView<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;
  using Directional = typename Transformer<Scalar, Space>::Directional;

  /// \param shape of micro-batches, for which memory is made now. Without it, or for batches of
  /// another shape, memory is made when they come; so are tangents where `options` has none.
  Objective(Context<Space> const& context, Transformer<Scalar, Space> const& model,
            Parameters<Scalar, Space>& parameters, ObjectiveOptions options = {},
            SequenceShape shape = {});

  /// This rank's micro-batches: views, whose data stay the caller's.
  /// \param kept one more, of which gradient() keeps activations and adjoints: kept_hvp() then
  /// costs 6 forward passes of it where hvp() costs 8. Every rank has one or none has.
  void set_batches(std::vector<Batch> batches,
                   std::optional<KeptBatch<Scalar, Space>> const& kept = {}) {
    batches_ = std::move(batches);
    kept_ = kept;
  }
  std::vector<Batch> const& batches() const { return batches_; }

  /// Other blocks take part: makes memory anew, and gives the old back first.
  void set_active(ActiveBlocks const& active);

  /// ℓ(θ)
  double loss() { return loss_at(*parameters_); }
  /// The same at other parameters of the model.
  double loss_at(Parameters<Scalar, Space> const& parameters);

  /// gradient ← ∇ℓ. \return ℓ(θ)
  double gradient(MutableVector gradient);

  /// hu ← Hu. \return ℓ(θ), and ⟨∇ℓ, u⟩
  Directional hvp(ConstVector u, MutableVector hu);

  /// gradient ← ∇ℓ and hu ← Hu, in one pass over the batches.
  Directional gradient_and_hvp(ConstVector u, MutableVector gradient, MutableVector hu);

  /// gu ← Gu, with the Gauss-Newton matrix G = Jᵀ(∂²ℓ/∂z²)J of the outputs z. \return ℓ(θ)
  double gauss_newton(ConstVector u, MutableVector gu);

  /// hu ← Hu of the mean loss on the kept micro-batches of all ranks, at the θ of the last
  /// gradient(). \param theta where that θ is now, if the parameters have moved since. \return that
  /// loss and its ⟨∇ℓ, u⟩. \throws Error without a gradient() before.
  Directional kept_hvp(ConstVector u, MutableVector hu,
                       Parameters<Scalar, Space> const* theta = nullptr);
  /// The mean loss on the kept micro-batches at the present θ; the activations are lost.
  double kept_loss();

  /// The largest attention score of each head, [depth, heads], that the passes since
  /// forget_scores() met on any rank; empty without `scores` in the workspace's options.
  /// Collective.
  std::vector<double> largest_scores() const;
  void forget_scores();

  Context<Space> const& context() const { return context_; }
  Transformer<Scalar, Space> const& model() const { return *model_; }
  Parameters<Scalar, Space>& parameters() const { return *parameters_; }
  Partition const& partition() const { return parameters_->partition(); }
  ObjectiveOptions const& options() const { return options_; }
  /// Memory for micro-batches of a shape; that for another shape is given back.
  TransformerWorkspace<Scalar, Space>& workspace_for(SequenceShape shape, bool tangents);
  /// Memory for the last shape; null before there was any.
  TransformerWorkspace<Scalar, Space>* workspace() { return workspace_ ? &*workspace_ : nullptr; }

  /// Floating-point operations of a forward pass over this rank's micro-batches.
  double forward_flops() const;

 private:
  void reserve_kept(SequenceShape shape);
  double kept_scale() const { return kept_->weight_alone / kept_->batch.weight; }
  VectorSource<Scalar, Space> direction(ConstVector u);

  Context<Space> context_;
  Transformer<Scalar, Space> const* model_;
  Parameters<Scalar, Space>* parameters_;
  ObjectiveOptions options_;
  std::optional<TransformerWorkspace<Scalar, Space>> workspace_, kept_workspace_;
  std::vector<Batch> batches_;
  std::optional<KeptBatch<Scalar, Space>> kept_;
  double kept_loss_ = 0;  // of the last gradient(), with the weight of the larger batch
  std::unique_ptr<parallel::RankSum<Scalar, Space>> sum_, second_sum_;
  std::unique_ptr<parallel::ShardedSource<Scalar, Space>> u_;  // where vectors are split
};

/// Which second derivative of a loss ℓ(θ) = L(z(θ)).
enum class CurvatureMatrix {
  hessian,  ///< H = ∂²ℓ/∂θ²
  gauss_newton,  ///< G = Jᵀ(∂²L/∂z²)J, J = ∂z/∂θ: H without the curvature of the network itself.
};

/// An objective's Hessian or Gauss-Newton matrix as a linear operator. Holds nothing else.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class CurvatureOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  explicit CurvatureOperator(Objective<Scalar, Space>& objective,
                             CurvatureMatrix matrix = CurvatureMatrix::hessian)
      : objective_(&objective), matrix_(matrix) {}

  Index size() const override { return objective_->partition().local_size(); }
  Partition partition() const override { return objective_->partition(); }
  void apply(Context<Space> const&, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    if (matrix_ == CurvatureMatrix::hessian)
      objective_->hvp(x, y);
    else
      objective_->gauss_newton(x, y);
  }

 private:
  Objective<Scalar, Space>* objective_;
  CurvatureMatrix matrix_;
};

/// The Hessian of the loss on the kept micro-batches alone, at the θ of the last gradient().
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class KeptOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  explicit KeptOperator(Objective<Scalar, Space>& objective) : objective_(&objective) {}

  Index size() const override { return objective_->partition().local_size(); }
  Partition partition() const override { return objective_->partition(); }
  void apply(Context<Space> const&, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    objective_->kept_hvp(x, y);
  }

 private:
  Objective<Scalar, Space>* objective_;
};

}  // namespace kyrtos::model
