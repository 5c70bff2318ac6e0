// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/fast_math.hpp>
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/gelu.hpp>

namespace kyrtos::layers {

namespace detail {

/// f, f' and f'' at x; what a pass does not use the compiler leaves out.
template <class Scalar, GeluKind which>
struct GeluValue {
  Scalar value, first, second;

  KOKKOS_INLINE_FUNCTION explicit GeluValue(Scalar x) {
    if constexpr (which == GeluKind::exact) {
      Scalar const gaussian = fast::exp_nonpositive(Scalar(-0.5) * x * x);
      Scalar const erf = fast::erf(x * Scalar(0.70710678118654752440), gaussian);
      Scalar const cdf = Scalar(0.5) * (1 + erf);
      Scalar const pdf = Scalar(0.39894228040143267794) * gaussian;  // 1/√(2π)
      value = x * cdf;
      first = cdf + x * pdf;
      second = pdf * (2 - x * x);
    } else {
      auto const c = Scalar(0.79788456080286535588), cubic = Scalar(0.044715);  // c = √(2/π)
      Scalar const tau = fast::tanh(c * (x + cubic * x * x * x));
      Scalar const tau1 = (1 - tau) * (1 + tau);
      Scalar const g1 = c * (1 + 3 * cubic * x * x), g2 = 6 * c * cubic * x;
      value = Scalar(0.5) * x * (1 + tau);
      first = Scalar(0.5) * (1 + tau) + Scalar(0.5) * x * tau1 * g1;
      second = tau1 * g1 + Scalar(0.5) * x * tau1 * (g2 - 2 * tau * g1 * g1);
    }
  }
};

/// y = f(x); dx = f'dy and ẏ = f'ẋ are the same kernel; dẋ = f'dẏ + f''ẋ dy.
template <GeluKind which, class Scalar, class Space>
struct GeluKernels {
  using In = MatrixView<Scalar const, Space>;
  using Out = MatrixView<Scalar, Space>;
  using Value = GeluValue<Scalar, which>;

  static void value(Context<Space> const& context, In x, Out y) {
    auto const n = static_cast<Index>(x.extent(1));
    Rows const x_rows(x);
    Rows const y_rows(y);
    for_each_row(
        context, "kyrtos::gelu::forward", static_cast<Index>(x.extent(0)),
        KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
          Scalar const* const from = x_rows(row);
          Scalar* const to = y_rows(row);
          row_for<Space>(member, n, [=](Index j) { to[j] = Value(from[j]).value; });
        });
  }

  static void slope(Context<Space> const& context, char const* label, In x, In v, Out out) {
    auto const n = static_cast<Index>(x.extent(1));
    Rows const x_rows(x);
    Rows const v_rows(v);
    Rows const out_rows(out);
    for_each_row(
        context, label, static_cast<Index>(x.extent(0)),
        KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
          Scalar const* const from = x_rows(row);
          Scalar const* const factor = v_rows(row);
          Scalar* const to = out_rows(row);
          row_for<Space>(member, n, [=](Index j) { to[j] = Value(from[j]).first * factor[j]; });
        });
  }

  static void tangent_backward(Context<Space> const& context, In x, In x_dot, In dy, In dy_dot,
                               Out dx_dot) {
    auto const n = static_cast<Index>(x.extent(1));
    Rows const x_rows(x);
    Rows const x_dot_rows(x_dot);
    Rows const dy_rows(dy);
    Rows const dy_dot_rows(dy_dot);
    Rows const dx_dot_rows(dx_dot);
    for_each_row(
        context, "kyrtos::gelu::tangent_backward", static_cast<Index>(x.extent(0)),
        KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
          Scalar const* const from = x_rows(row);
          Scalar const* const from_dot = x_dot_rows(row);
          Scalar const* const back = dy_rows(row);
          Scalar const* const back_dot = dy_dot_rows(row);
          Scalar* const to = dx_dot_rows(row);
          row_for<Space>(member, n, [=](Index j) {
            Value const f(from[j]);
            to[j] = f.first * back_dot[j] + f.second * from_dot[j] * back[j];
          });
        });
  }
};

/// Calls body with the kernels of the wanted kind.
template <class Scalar, class Space, class Body>
void with_gelu(GeluKind which, Body const& body) {
  if (which == GeluKind::exact)
    body(GeluKernels<GeluKind::exact, Scalar, Space>());
  else
    body(GeluKernels<GeluKind::tanh, Scalar, Space>());
}

}  // namespace detail

template <class Scalar, class Space>
void Gelu<Scalar, Space>::forward(Context<Space> const& context, ConstVector, Pass const& p) const {
  detail::with_gelu<Scalar, Space>(which_, [&](auto k) { k.value(context, p.x, p.y); });
}

template <class Scalar, class Space>
void Gelu<Scalar, Space>::backward(Context<Space> const& context, ConstVector, Pass const& p,
                                   Back const& a, MutableVector) const {
  if (a.x.size() == 0) return;
  detail::with_gelu<Scalar, Space>(
      which_, [&](auto k) { k.slope(context, "kyrtos::gelu::backward", p.x, a.y, a.x); });
}

template <class Scalar, class Space>
void Gelu<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector, ConstVector,
                                          Pass const& p, Pass const& t) const {
  detail::with_gelu<Scalar, Space>(
      which_, [&](auto k) { k.slope(context, "kyrtos::gelu::tangent_forward", p.x, t.x, t.y); });
}

template <class Scalar, class Space>
void Gelu<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector, ConstVector,
                                           Pass const& p, Pass const& t, Back const& a,
                                           Back const& ta, MutableVector) const {
  if (ta.x.size() == 0) return;
  detail::with_gelu<Scalar, Space>(
      which_, [&](auto k) { k.tangent_backward(context, p.x, t.x, a.y, ta.y, ta.x); });
}

KYRTOS_INSTANTIATE(kyrtos::layers::Gelu)

}  // namespace kyrtos::layers
