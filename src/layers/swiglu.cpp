// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/fast_math.hpp>
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/swiglu.hpp>

namespace kyrtos::layers {

namespace detail {

/// SiLU and its first two derivatives.
template <class Scalar>
struct Silu {
  Scalar value, first, second;

  KOKKOS_INLINE_FUNCTION explicit Silu(Scalar g) {
    Scalar const sigma = fast::sigmoid(g);
    value = g * sigma;
    first = sigma * (1 + g * (1 - sigma));
    second = sigma * (1 - sigma) * (2 + g * (1 - 2 * sigma));
  }
};

}  // namespace detail

using detail::for_each_row;
using detail::row_for;
using detail::RowMember;
using detail::Silu;

template <class Scalar, class Space>
void SwiGlu<Scalar, Space>::forward(Context<Space> const& context, ConstVector,
                                    Pass const& p) const {
  Index const f = features_;
  for_each_row(
      context, "kyrtos::swiglu::forward", p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = &p.x(row, 0);
        Scalar* const y = &p.y(row, 0);
        row_for<Space>(member, f, [=](Index j) { y[j] = Silu<Scalar>(x[j]).value * x[f + j]; });
      });
}

template <class Scalar, class Space>
void SwiGlu<Scalar, Space>::backward(Context<Space> const& context, ConstVector, Pass const& p,
                                     Back const& a, MutableVector) const {
  if (a.x.size() == 0) return;
  Index const f = features_;
  for_each_row(
      context, "kyrtos::swiglu::backward", p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = &p.x(row, 0);
        Scalar const* const dy = &a.y(row, 0);
        Scalar* const dx = &a.x(row, 0);
        row_for<Space>(member, f, [=](Index j) {
          Silu<Scalar> const s(x[j]);
          dx[j] = s.first * x[f + j] * dy[j];
          dx[f + j] = s.value * dy[j];
        });
      });
}

template <class Scalar, class Space>
void SwiGlu<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector, ConstVector,
                                            Pass const& p, Pass const& t) const {
  Index const f = features_;
  for_each_row(
      context, "kyrtos::swiglu::tangent_forward", p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = &p.x(row, 0);
        Scalar const* const x_dot = &t.x(row, 0);
        Scalar* const y_dot = &t.y(row, 0);
        row_for<Space>(member, f, [=](Index j) {
          Silu<Scalar> const s(x[j]);
          y_dot[j] = s.first * x_dot[j] * x[f + j] + s.value * x_dot[f + j];
        });
      });
}

template <class Scalar, class Space>
void SwiGlu<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector,
                                             ConstVector, Pass const& p, Pass const& t,
                                             Back const& a, Back const& ta, MutableVector) const {
  if (ta.x.size() == 0) return;
  Index const f = features_;
  for_each_row(
      context, "kyrtos::swiglu::tangent_backward", p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = &p.x(row, 0);
        Scalar const* const x_dot = &t.x(row, 0);
        Scalar const* const dy = &a.y(row, 0);
        Scalar const* const dy_dot = &ta.y(row, 0);
        Scalar* const dx_dot = &ta.x(row, 0);
        row_for<Space>(member, f, [=](Index j) {
          Silu<Scalar> const s(x[j]);
          Scalar const v = x[f + j], g_dot = x_dot[j], v_dot = x_dot[f + j];
          dx_dot[j] = (s.second * g_dot * v + s.first * v_dot) * dy[j] + s.first * v * dy_dot[j];
          dx_dot[f + j] = s.first * g_dot * dy[j] + s.value * dy_dot[j];
        });
      });
}

KYRTOS_INSTANTIATE(kyrtos::layers::SwiGlu)

}  // namespace kyrtos::layers
