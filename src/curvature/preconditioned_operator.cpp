// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/preconditioned_operator.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

namespace kyrtos::curvature {

template <class Scalar, class Space>
PreconditionedOperator<Scalar, Space>::PreconditionedOperator(
    Context<Space> const& context, LinearOperator<Scalar, Space>& inner,
    VectorView<Scalar const, Space> diagonal)
    : inner_(&inner),
      diagonal_(diagonal),
      scaled_(allocate<Scalar>(context, "curvature::preconditioned", inner.size())) {
  linalg::detail::common_size(diagonal_, scaled_, "PreconditionedOperator");
}

template <class Scalar, class Space>
PreconditionedOperator<Scalar, Space>::PreconditionedOperator(Context<Space> const& context,
                                                              LinearOperator<Scalar, Space>& inner)
    : inner_(&inner),
      own_diagonal_(allocate<Scalar>(context, "curvature::inverse_root", inner.size())),
      diagonal_(own_diagonal_),
      scaled_(allocate<Scalar>(context, "curvature::preconditioned", inner.size())) {}

template <class Scalar, class Space>
void PreconditionedOperator<Scalar, Space>::set(Context<Space> const& context,
                                                AdamPreconditioner<Scalar, Space> const& p) {
  p.inverse_root(context, own_diagonal_);
}

template <class Scalar, class Space>
void PreconditionedOperator<Scalar, Space>::apply(Context<Space> const& context,
                                                  VectorView<Scalar const, Space> x,
                                                  VectorView<Scalar, Space> y) {
  linalg::multiply(context, diagonal_, x, scaled_);
  inner_->apply(context, scaled_, y);
  linalg::multiply(context, diagonal_, y, y);
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::PreconditionedOperator)
