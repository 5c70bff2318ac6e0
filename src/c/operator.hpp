// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/linear_operator.hpp>
#include <kyrtos/curvature/preconditioned_operator.hpp>

#include "model.hpp"

namespace kyrtos::c {

/// The caller's y = A x.
template <class Scalar>
class CallbackOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  struct Callback {
    Index size;
    kyrtos_memory memory;
    kyrtos_apply apply;
    void *user, *stream;
  };
  explicit CallbackOperator(Callback const& callback) : callback_(callback) {}

  Index size() const override { return callback_.size; }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override;

 private:
  void call(void const* x, void* y) const;

  using Staging = Kokkos::View<Scalar*, Kokkos::LayoutRight, Kokkos::HostSpace>;
  Callback callback_;
  Staging x_, y_;  // for a function that works on the host, where vectors are elsewhere
};

/// The Hessian or Gauss-Newton matrix of a model, on its own copy of batches and in its own memory.
template <class Scalar>
class BatchOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  /// Collective.
  BatchOperator(std::shared_ptr<Model<Scalar>> model, kyrtos_matrix matrix,
                std::span<kyrtos_batch const> batches);

  Index size() const override { return matrix_.size(); }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    matrix_.apply(context, x, y);
  }

 private:
  std::shared_ptr<Model<Scalar>> model_;
  Batches<Scalar> batches_;
  model::Objective<Scalar, Space> objective_;
  model::CurvatureOperator<Scalar, Space> matrix_;
};

/// An operator with the context that it works on.
template <class Scalar>
struct Operator {
  Context<Space> context;
  std::unique_ptr<curvature::LinearOperator<Scalar, Space>> map;
};

/// D A D of an operator, which is kept, with a diagonal of the caller's.
template <class Scalar>
class ScaledOperator final : public curvature::LinearOperator<Scalar, Space> {
 public:
  ScaledOperator(std::shared_ptr<Operator<Scalar>> inner, VectorView<Scalar const, Space> diagonal)
      : inner_(std::move(inner)), scaled_(inner_->context, *inner_->map, diagonal) {}

  Index size() const override { return scaled_.size(); }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    scaled_.apply(context, x, y);
  }

 private:
  std::shared_ptr<Operator<Scalar>> inner_;
  curvature::PreconditionedOperator<Scalar, Space> scaled_;
};

}  // namespace kyrtos::c

struct kyrtos_operator final : kyrtos::c::HandleOf<kyrtos::c::Either<kyrtos::c::Operator>> {
  using HandleOf::HandleOf;
};
