// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/partition.hpp>

namespace kyrtos::curvature {

/// A symmetric map y = A x on flat vectors: a Hessian, a preconditioned one, a Gauss-Newton
/// matrix, or an operator of the caller's own code. All that power iteration, Lanczos and the
/// tracker know of a problem.
///
/// With more than one rank apply() is collective. Every rank holds the whole x and y, or the slices
/// of them that partition() says.
template <class Scalar, class Space>
class LinearOperator {
 public:
  virtual ~LinearOperator() = default;

  /// Elements of x and y that this rank holds.
  virtual Index size() const = 0;

  /// How x and y lie on the ranks.
  virtual Partition partition() const { return size(); }

  /// y ← A x on the context's instance. x and y do not overlap; may return before y is ready.
  virtual void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
                     VectorView<Scalar, Space> y) = 0;

 protected:
  LinearOperator() = default;
  LinearOperator(LinearOperator const&) = default;
  LinearOperator& operator=(LinearOperator const&) = default;
};

}  // namespace kyrtos::curvature
