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
using detail::Rows;
using detail::Silu;

template <class Scalar, class Space>
void SwiGlu<Scalar, Space>::forward(Context<Space> const& context, ConstVector,
                                    Pass const& p) const {
  Index const f = features_;
  Rows const x_rows(p.x);
  Rows const y_rows(p.y);
  for_each_row(
      context, "kyrtos::swiglu::forward", p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = x_rows(row);
        Scalar* const y = y_rows(row);
        row_for<Space>(member, f, [=](Index j) { y[j] = Silu<Scalar>(x[j]).value * x[f + j]; });
      });
}

template <class Scalar, class Space>
void SwiGlu<Scalar, Space>::backward(Context<Space> const& context, ConstVector, Pass const& p,
                                     Back const& a, MutableVector) const {
  if (a.x.size() == 0) return;
  Index const f = features_;
  Rows const x_rows(p.x);
  Rows const dy_rows(a.y);
  Rows const dx_rows(a.x);
  for_each_row(
      context, "kyrtos::swiglu::backward", p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = x_rows(row);
        Scalar const* const dy = dy_rows(row);
        Scalar* const dx = dx_rows(row);
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
  Rows const x_rows(p.x);
  Rows const x_dot_rows(t.x);
  Rows const y_dot_rows(t.y);
  for_each_row(
      context, "kyrtos::swiglu::tangent_forward", p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = x_rows(row);
        Scalar const* const x_dot = x_dot_rows(row);
        Scalar* const y_dot = y_dot_rows(row);
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
  Rows const x_rows(p.x);
  Rows const dy_rows(a.y);
  Rows const x_dot_rows(t.x);
  Rows const dy_dot_rows(ta.y);
  Rows const dx_dot_rows(ta.x);
  for_each_row(
      context, "kyrtos::swiglu::tangent_backward", p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = x_rows(row);
        Scalar const* const x_dot = x_dot_rows(row);
        Scalar const* const dy = dy_rows(row);
        Scalar const* const dy_dot = dy_dot_rows(row);
        Scalar* const dx_dot = dx_dot_rows(row);
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
