// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/scale.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

namespace kyrtos::layers {

namespace constant_scale {

template <class Scalar, class Space>
void multiply(Context<Space> const& context, char const* label, double factor,
              MatrixView<Scalar const, Space> from, MatrixView<Scalar, Space> to) {
  if (to.size() == 0) return;
  auto const x = flat(from);
  auto const y = flat(to);
  auto const s = static_cast<Scalar>(factor);
  linalg::detail::for_each(
      context, label, linalg::detail::common_size(x, y, "scale"),
      KOKKOS_LAMBDA(Index i) { y(i) = s * x(i); });
}

}  // namespace constant_scale

template <class Scalar, class Space>
void Scale<Scalar, Space>::forward(Context<Space> const& context, ConstVector,
                                   Pass const& p) const {
  constant_scale::multiply<Scalar, Space>(context, "kyrtos::scale::forward", scale_, p.x, p.y);
}

template <class Scalar, class Space>
void Scale<Scalar, Space>::backward(Context<Space> const& context, ConstVector, Pass const&,
                                    Back const& a, MutableVector) const {
  constant_scale::multiply<Scalar, Space>(context, "kyrtos::scale::backward", scale_, a.y, a.x);
}

template <class Scalar, class Space>
void Scale<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector, ConstVector,
                                           Pass const&, Pass const& t) const {
  constant_scale::multiply<Scalar, Space>(context, "kyrtos::scale::tangent_forward", scale_, t.x,
                                          t.y);
}

template <class Scalar, class Space>
void Scale<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector, ConstVector,
                                            Pass const&, Pass const&, Back const&, Back const& ta,
                                            MutableVector) const {
  constant_scale::multiply<Scalar, Space>(context, "kyrtos::scale::tangent_backward", scale_, ta.y,
                                          ta.x);
}

KYRTOS_INSTANTIATE(kyrtos::layers::Scale)

}  // namespace kyrtos::layers
