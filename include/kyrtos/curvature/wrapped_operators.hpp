// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/linear_operator.hpp>
#include <kyrtos/curvature/preconditioner.hpp>

/// \file
/// \brief Operators made of another operator. They keep a reference to it, so it must outlive them.

namespace kyrtos::curvature {

/// D A D for a diagonal D given as a vector: with D = P^(-1/2) the preconditioned Hessian
/// P^(-1/2) H P^(-1/2), similar to the P⁻¹H that governs a preconditioned optimiser's stability.
///
/// One vector of its own; apply() costs A's, plus 6 accesses to vectors. The diagonal is read at
/// every apply(), so that its owner may change it between two.
template <class Scalar, class Space>
class PreconditionedOperator final : public LinearOperator<Scalar, Space> {
 public:
  /// \throws ShapeError when `diagonal` has another size than the operator.
  PreconditionedOperator(Context<Space> const& context, LinearOperator<Scalar, Space>& inner,
                         VectorView<Scalar const, Space> diagonal);
  /// D = P^(-1/2) as it is now, in a vector of its own.
  PreconditionedOperator(Context<Space> const& context, LinearOperator<Scalar, Space>& inner,
                         AdamPreconditioner<Scalar, Space> const& p);

  Index size() const override { return inner_->size(); }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override;

 private:
  LinearOperator<Scalar, Space>* inner_;
  Vector<Scalar, Space> own_diagonal_;
  VectorView<Scalar const, Space> diagonal_;
  Vector<Scalar, Space> scaled_;
};

/// A + cI: moves every eigenvalue by c and leaves the eigenvectors. 3 accesses to vectors more.
template <class Scalar, class Space>
class ShiftedOperator final : public LinearOperator<Scalar, Space> {
 public:
  ShiftedOperator(LinearOperator<Scalar, Space>& inner, double shift)
      : inner_(&inner), shift_(shift) {}

  Index size() const override { return inner_->size(); }
  double shift() const { return shift_; }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override;

 private:
  LinearOperator<Scalar, Space>* inner_;
  double shift_;
};

}  // namespace kyrtos::curvature
