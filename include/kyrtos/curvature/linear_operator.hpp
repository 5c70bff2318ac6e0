// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

namespace kyrtos {

/// A symmetric map y = A x on flat vectors: a Hessian, a preconditioned one, a Gauss-Newton
/// matrix, or an operator of the caller's own code. All that power iteration, Lanczos and the
/// tracker know of a problem.
///
/// With more than one rank every rank holds the whole x and y, and apply() is collective.
template <class Scalar, class Space>
class LinearOperator {
 public:
  virtual ~LinearOperator() = default;

  virtual Index size() const = 0;

  /// y ← A x on the context's instance. x and y do not overlap; may return before y is ready.
  virtual void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
                     VectorView<Scalar, Space> y) = 0;

 protected:
  LinearOperator() = default;
  LinearOperator(LinearOperator const&) = default;
  LinearOperator& operator=(LinearOperator const&) = default;
};

}  // namespace kyrtos
