// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/curvature/linear_operator.hpp>

#include <vector>

namespace kyrtos::curvature {

/// The principal submatrix RARᵀ of an operator A on some ranges of its vector: with those of one
/// block, the Hessian of the loss as a function of that block's parameters alone.
///
/// x is scattered into a vector of zeros of A's size, and the image gathered from there. By
/// Cauchy's interlacing its eigenvalues lie within A's extreme ones. apply() costs A's whole
/// product, however small the part. Two vectors of A's size.
template <class Scalar, class Space>
class RestrictedOperator final : public LinearOperator<Scalar, Space> {
 public:
  using Range = ParameterLayout::Range;

  /// \param ranges in any order; what two of them share counts once. The restricted vector is
  /// their union from front to back.
  /// \throws ConfigError when they hold no element, ShapeError when one lies outside of A's vector.
  RestrictedOperator(Context<Space> const& context, LinearOperator<Scalar, Space>& inner,
                     std::vector<Range> ranges);

  Index size() const override { return size_; }
  /// As few as possible, from front to back.
  std::vector<Range> const& ranges() const { return ranges_; }

  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override;

 private:
  LinearOperator<Scalar, Space>* inner_;
  std::vector<Range> ranges_;
  Index size_ = 0;
  Vector<Scalar, Space> x_, y_;  // x_ is zero outside of the ranges
};

}  // namespace kyrtos::curvature
