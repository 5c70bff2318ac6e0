// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/linear.hpp>
#include <kyrtos/linalg/gemm.hpp>

namespace kyrtos::layers {

using linalg::gemm;
using linalg::Transpose;

template <class Scalar, class Space>
std::vector<SegmentSpec> Linear<Scalar, Space>::parameters() const {
  std::vector<SegmentSpec> specs{
      {"weight", {out_, in_}, {Initialization::Kind::normal, scale_}, true}};
  if (bias_) specs.push_back({"bias", {out_}, {}, false});
  return specs;
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::forward(Context<Space> const& context, ConstVector theta,
                                    Pass const& p) const {
  if (bias_) detail::copy_to_rows<Scalar>(context, "kyrtos::linear::forward", bias(theta), p.y);
  gemm(context, Transpose::no, Transpose::yes, 1, p.x, weight(theta), bias_ ? 1 : 0, p.y);
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::backward(Context<Space> const& context, ConstVector theta,
                                     Pass const& p, Back const& a, MutableVector dtheta) const {
  if (a.x.size() > 0) gemm(context, Transpose::no, Transpose::no, 1, a.y, weight(theta), 0, a.x);
  if (dtheta.size() == 0) return;
  gemm(context, Transpose::yes, Transpose::no, 1, a.y, p.x, 1, weight(dtheta));
  if (bias_)
    detail::add_column_sums<Scalar>(context, "kyrtos::linear::backward", a.y, bias(dtheta));
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector theta,
                                            ConstVector u, Pass const& p, Pass const& t) const {
  if (bias_) detail::copy_to_rows<Scalar>(context, "kyrtos::linear::tangent_forward", bias(u), t.y);
  gemm(context, Transpose::no, Transpose::yes, 1, t.x, weight(theta), bias_ ? 1 : 0, t.y);
  gemm(context, Transpose::no, Transpose::yes, 1, p.x, weight(u), 1, t.y);
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector theta,
                                             ConstVector u, Pass const& p, Pass const& t,
                                             Back const& a, Back const& ta,
                                             MutableVector hu) const {
  if (ta.x.size() > 0) {
    gemm(context, Transpose::no, Transpose::no, 1, ta.y, weight(theta), 0, ta.x);
    gemm(context, Transpose::no, Transpose::no, 1, a.y, weight(u), 1, ta.x);
  }
  if (hu.size() == 0) return;
  gemm(context, Transpose::yes, Transpose::no, 1, ta.y, p.x, 1, weight(hu));
  gemm(context, Transpose::yes, Transpose::no, 1, a.y, t.x, 1, weight(hu));
  if (bias_)
    detail::add_column_sums<Scalar>(context, "kyrtos::linear::tangent_backward", ta.y, bias(hu));
}

KYRTOS_INSTANTIATE(kyrtos::layers::Linear)

}  // namespace kyrtos::layers
