// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/linear_operator.hpp>
#include <kyrtos/curvature/preconditioner.hpp>

namespace kyrtos::curvature {

/// D A D for a diagonal D given as a vector: with D = P^(-1/2) the preconditioned Hessian
/// P^(-1/2) H P^(-1/2), similar to the P⁻¹H that governs a preconditioned optimiser's stability.
///
/// It keeps a reference to A's operator, which must outlive it. One vector of its own; apply()
/// costs A's, plus 6 accesses to vectors. The diagonal is read at every apply(), so that its owner
/// may change it between two.
template <class Scalar, class Space>
class PreconditionedOperator final : public LinearOperator<Scalar, Space> {
 public:
  /// \throws ShapeError when `diagonal` has another size than the operator.
  PreconditionedOperator(Context<Space> const& context, LinearOperator<Scalar, Space>& inner,
                         VectorView<Scalar const, Space> diagonal);
  /// D in a vector of its own, to be set().
  PreconditionedOperator(Context<Space> const& context, LinearOperator<Scalar, Space>& inner);

  /// D ← P^(-1/2) as it is now. Asynchronous.
  void set(Context<Space> const& context, AdamPreconditioner<Scalar, Space> const& p);

  Index size() const override { return inner_->size(); }
  Partition partition() const override { return inner_->partition(); }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override;

 private:
  LinearOperator<Scalar, Space>* inner_;
  Vector<Scalar, Space> own_diagonal_;
  VectorView<Scalar const, Space> diagonal_;
  Vector<Scalar, Space> scaled_;
};

}  // namespace kyrtos::curvature
