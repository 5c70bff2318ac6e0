// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/linear.hpp>
#include <kyrtos/linalg/gemm.hpp>

namespace kyrtos::layers {

using linalg::gemm;
using linalg::KeptAs;
using linalg::KeptFactor;
using linalg::Transpose;

template <class Scalar, class Space>
std::vector<SegmentSpec> Linear<Scalar, Space>::parameters() const {
  std::vector<SegmentSpec> specs{
      {"weight", {out_, in_}, {Initialization::Kind::normal, scale_}, true}};
  if (bias_) specs.push_back({"bias", {out_}, {}, false});
  return specs;
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::multiply(Context<Space> const& context, char const* label,
                                     MatrixView<Scalar const, Space> const& x, ConstVector theta,
                                     ConstVector from, MatrixView<Scalar, Space> const& y) const {
  if (bias_ && linalg::adds_bias<Scalar>(context))
    return linalg::gemm_with_bias(context, Transpose::no, Transpose::yes, x, weight(theta),
                                  bias(from), y);
  if (bias_) {
    Region<Space> const region(context, "kyrtos::linear::bias",
                               {.bytes = 2.0 * sizeof(Scalar) * static_cast<double>(y.size())});
    detail::copy_to_rows<Scalar>(context, label, bias(from), y);
  }
  gemm(context, Transpose::no, Transpose::yes, 1, x, weight(theta), bias_ ? 1 : 0, y);
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::add_bias_gradient(Context<Space> const& context, char const* label,
                                              MatrixView<Scalar const, Space> const& dy,
                                              MutableVector dtheta) const {
  if (!bias_) return;
  Region<Space> const region(context, "kyrtos::linear::bias",
                             {.bytes = 1.0 * sizeof(Scalar) * static_cast<double>(dy.size())});
  detail::add_column_sums<Scalar>(context, label, dy, bias(dtheta));
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::forward(Context<Space> const& context, ConstVector theta,
                                    Pass const& p) const {
  multiply(context, "kyrtos::linear::forward", p.x, theta, theta, p.y);
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::backward(Context<Space> const& context, ConstVector theta,
                                     Pass const& p, Back const& a, MutableVector dtheta) const {
  KeptFactor<Space> const dy(context, KeptAs::adjoint, a.y);
  if (a.x.size() > 0) gemm(context, Transpose::no, Transpose::no, 1, a.y, weight(theta), 0, a.x);
  if (dtheta.size() == 0) return;
  gemm(context, Transpose::yes, Transpose::no, 1, a.y, p.x, 1, weight(dtheta));
  add_bias_gradient(context, "kyrtos::linear::backward", a.y, dtheta);
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector theta,
                                            ConstVector u, Pass const& p, Pass const& t) const {
  multiply(context, "kyrtos::linear::tangent_forward", t.x, theta, u, t.y);
  gemm(context, Transpose::no, Transpose::yes, 1, p.x, weight(u), 1, t.y);
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector theta,
                                             ConstVector u, Pass const& p, Pass const& t,
                                             Back const& a, Back const& ta,
                                             MutableVector hu) const {
  KeptFactor<Space> const dy(context, KeptAs::adjoint, a.y),
      dy_dot(context, KeptAs::tangent_adjoint, ta.y);
  if (ta.x.size() > 0) {
    gemm(context, Transpose::no, Transpose::no, 1, ta.y, weight(theta), 0, ta.x);
    gemm(context, Transpose::no, Transpose::no, 1, a.y, weight(u), 1, ta.x);
  }
  if (hu.size() == 0) return;
  gemm(context, Transpose::yes, Transpose::no, 1, ta.y, p.x, 1, weight(hu));
  gemm(context, Transpose::yes, Transpose::no, 1, a.y, t.x, 1, weight(hu));
  add_bias_gradient(context, "kyrtos::linear::tangent_backward", ta.y, hu);
}

template <class Scalar, class Space>
Work Linear<Scalar, Space>::work(PassKind pass, SequenceShape shape, Machine const& machine,
                                 bool dtheta) const {
  auto const x = static_cast<double>(shape.tokens() * in_),
             y = static_cast<double>(shape.tokens() * out_), w = static_cast<double>(in_ * out_);
  Work work{.product_bytes = pass_bytes(*this, pass, shape, in_ * out_ + (bias_ ? out_ : 0))};
  auto const add_products = [&](double count, std::initializer_list<double> rounded) {
    work += {.products = count * forward_flops(shape), .launches = count};
    for (double const values : rounded) work += rounding(machine, values);
  };
  bool const is_tangent = pass == PassKind::tangent_forward || pass == PassKind::tangent_backward;
  if (pass == PassKind::forward || pass == PassKind::tangent_forward) {
    add_products(1, {x, w});
    if (is_tangent) add_products(1, {x, w});
    if (bias_ && !machine.adds_bias) work += {.bytes = 2 * sizeof(Scalar) * y, .launches = 1};
    return work;
  }
  add_products(1, {y, w});
  if (is_tangent) add_products(1, {y, w});
  if (!dtheta) return work;
  add_products(1, {x});
  if (is_tangent) add_products(1, {x});
  constexpr double stages = 2;
  if (bias_) work += {.bytes = sizeof(Scalar) * y, .launches = stages};
  return work;
}

KYRTOS_INSTANTIATE(kyrtos::layers::Linear)

}  // namespace kyrtos::layers
