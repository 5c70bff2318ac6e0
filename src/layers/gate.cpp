// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/gate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

namespace kyrtos::layers {

namespace gate {

/// to ← g·from, g in device memory.
template <class Scalar, class Space>
void scale(Context<Space> const& context, char const* label, VectorView<Scalar const, Space> g,
           MatrixView<Scalar const, Space> from, MatrixView<Scalar, Space> to) {
  if (to.size() == 0) return;
  auto const x = flat(from);
  auto const y = flat(to);
  linalg::detail::for_each(
      context, label, linalg::detail::common_size(x, y, "gate"),
      KOKKOS_LAMBDA(Index i) { y(i) = g(0) * x(i); });
}

}  // namespace gate

template <class Scalar, class Space>
std::vector<SegmentSpec> Gate<Scalar, Space>::parameters() const {
  return {{.name = "gate",
           .shape = {1},
           .initial = {Initialization::Kind::constant, 1},
           .trained = false}};
}

template <class Scalar, class Space>
void Gate<Scalar, Space>::forward(Context<Space> const& context, ConstVector theta,
                                  Pass const& p) const {
  gate::scale<Scalar, Space>(context, "kyrtos::gate::forward", theta, p.x, p.y);
}

template <class Scalar, class Space>
void Gate<Scalar, Space>::backward(Context<Space> const& context, ConstVector theta, Pass const&,
                                   Back const& a, MutableVector) const {
  gate::scale<Scalar, Space>(context, "kyrtos::gate::backward", theta, a.y, a.x);
}

template <class Scalar, class Space>
void Gate<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector theta,
                                          ConstVector, Pass const&, Pass const& t) const {
  gate::scale<Scalar, Space>(context, "kyrtos::gate::tangent_forward", theta, t.x, t.y);
}

template <class Scalar, class Space>
void Gate<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector theta,
                                           ConstVector, Pass const&, Pass const&, Back const&,
                                           Back const& ta, MutableVector) const {
  gate::scale<Scalar, Space>(context, "kyrtos::gate::tangent_backward", theta, ta.y, ta.x);
}

KYRTOS_INSTANTIATE(kyrtos::layers::Gate)

}  // namespace kyrtos::layers
