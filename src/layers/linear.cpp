// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/linear.hpp>
#include <kyrtos/linalg/gemm.hpp>

#include "factor_rows.hpp"

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

namespace linear {

template <class Scalar>
using Factor = detail::FactorRows<Scalar>;
template <class Scalar>
using Factors = detail::FactorsToRound<Scalar>;

/// Kernels of the pass round these, beside what they do else.
template <class Space>
constexpr auto by_caller = KeptFactor<Space>::By::caller;

template <class View>
double bytes_of(View const& view) {
  return static_cast<double>(view.size() * sizeof(typename View::value_type));
}

/// y ← residual + x Wᵀ + 1 bᵀ. Where the library does not add these, y is their sum first.
template <class Scalar, class Space>
void multiply(Context<Space> const& context, char const* label, Activation<Scalar, Space> const& p,
              MatrixView<Scalar const, Space> const& weight,
              VectorView<Scalar const, Space> const& bias, Factors<Scalar> const& factors) {
  linalg::Addends<Scalar, Space> const addends{bias, p.residual};
  bool const adds = bias.size() > 0 || p.residual.size() > 0;
  bool const by_library = adds && linalg::adds_addends<Scalar>(context);
  auto const start = adds && !by_library ? p.y : MatrixView<Scalar, Space>();
  Index const rows = p.shape.tokens();
  {
    constexpr double write_and_read = 2;
    Region<Space> const region(context, "kyrtos::linear::rows",
                               {.bytes = write_and_read * bytes_of(start) + factors.bytes(rows)});
    detail::start_rows<Scalar>(context, label, rows, addends, start, factors);
  }
  if (by_library)
    linalg::gemm_plus<Scalar>(context, Transpose::no, Transpose::yes, p.x, weight, addends, p.y);
  else
    gemm<Scalar>(context, Transpose::no, Transpose::yes, 1, p.x, weight, adds ? 1 : 0, p.y);
}

/// db += Σ dy, unless it is empty. Rounds factors, of which dy is the first, if it is one.
template <class Scalar, class Space>
void add_bias_gradient(Context<Space> const& context, char const* label,
                       Activation<Scalar, Space> const& p, Adjoint<Scalar, Space> const& a,
                       linalg::RoundedRows const& rounded_dy, VectorView<Scalar, Space> const& db,
                       Factors<Scalar> const& others) {
  Index const rows = p.shape.tokens();
  Factor<Scalar> const dy(a.y, rounded_dy);
  double bytes = Factors<Scalar>({dy}).bytes(rows) + others.bytes(rows);
  if (db.size() > 0 && rounded_dy.data == nullptr)
    bytes += bytes_of(a.y);  // else it is read anyway
  Region<Space> const region(context, "kyrtos::linear::rows", {.bytes = bytes});
  detail::add_column_sums<Scalar>(context, label, rows, dy, db, others);
}

}  // namespace linear

template <class Scalar, class Space>
void Linear<Scalar, Space>::forward(Context<Space> const& context, ConstVector theta,
                                    Pass const& p) const {
  KeptFactor<Space> const x(context, KeptAs::input, p.x, linear::by_caller<Space>);
  linear::multiply<Scalar, Space>(context, "kyrtos::linear::forward", p, weight(theta), bias(theta),
                                  {linear::Factor<Scalar>(p.x, x.rows())});
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::backward(Context<Space> const& context, ConstVector theta,
                                     Pass const& p, Back const& a, MutableVector dtheta) const {
  bool const has_gradient = dtheta.size() > 0;
  auto const x_factor = has_gradient ? p.x : MatrixView<Scalar const, Space>();
  KeptFactor<Space> const dy(context, KeptAs::adjoint, a.y, linear::by_caller<Space>),
      x(context, KeptAs::input, x_factor, linear::by_caller<Space>);
  linear::add_bias_gradient<Scalar, Space>(context, "kyrtos::linear::backward", p, a, dy.rows(),
                                           bias(dtheta),
                                           {linear::Factor<Scalar>(x_factor, x.rows())});
  if (a.x.size() > 0) gemm(context, Transpose::no, Transpose::no, 1, a.y, weight(theta), 0, a.x);
  if (has_gradient) gemm(context, Transpose::yes, Transpose::no, 1, a.y, p.x, 1, weight(dtheta));
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector theta,
                                            ConstVector u, Pass const& p, Pass const& t) const {
  KeptFactor<Space> const x(context, KeptAs::input, p.x, linear::by_caller<Space>),
      x_dot(context, KeptAs::tangent_input, t.x, linear::by_caller<Space>);
  linear::multiply<Scalar, Space>(
      context, "kyrtos::linear::tangent_forward", t, weight(theta), bias(u),
      {linear::Factor<Scalar>(p.x, x.rows()), linear::Factor<Scalar>(t.x, x_dot.rows())});
  gemm(context, Transpose::no, Transpose::yes, 1, p.x, weight(u), 1, t.y);
}

template <class Scalar, class Space>
void Linear<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector theta,
                                             ConstVector u, Pass const& p, Pass const& t,
                                             Back const& a, Back const& ta,
                                             MutableVector hu) const {
  bool const has_product = hu.size() > 0;
  auto const none = MatrixView<Scalar const, Space>();
  auto const x_factor = has_product ? p.x : none, x_dot_factor = has_product ? t.x : none;
  KeptFactor<Space> const dy(context, KeptAs::adjoint, a.y, linear::by_caller<Space>),
      dy_dot(context, KeptAs::tangent_adjoint, ta.y, linear::by_caller<Space>),
      x(context, KeptAs::input, x_factor, linear::by_caller<Space>),
      x_dot(context, KeptAs::tangent_input, x_dot_factor, linear::by_caller<Space>);
  linear::add_bias_gradient<Scalar, Space>(
      context, "kyrtos::linear::tangent_backward", p, ta, dy_dot.rows(), bias(hu),
      {linear::Factor<Scalar>(a.y, dy.rows()), linear::Factor<Scalar>(x_factor, x.rows()),
       linear::Factor<Scalar>(x_dot_factor, x_dot.rows())});
  if (ta.x.size() > 0) {
    gemm(context, Transpose::no, Transpose::no, 1, ta.y, weight(theta), 0, ta.x);
    gemm(context, Transpose::no, Transpose::no, 1, a.y, weight(u), 1, ta.x);
  }
  if (!has_product) return;
  gemm(context, Transpose::yes, Transpose::no, 1, ta.y, p.x, 1, weight(hu));
  gemm(context, Transpose::yes, Transpose::no, 1, a.y, t.x, 1, weight(hu));
}

template <class Scalar, class Space>
Work Linear<Scalar, Space>::work(PassKind pass, SequenceShape shape, Machine const& machine,
                                 bool dtheta, bool residual) const {
  auto const x = static_cast<double>(shape.tokens() * in_),
             y = static_cast<double>(shape.tokens() * out_), w = static_cast<double>(in_ * out_);
  bool const is_tangent = pass == PassKind::tangent_forward || pass == PassKind::tangent_backward;
  bool const is_forward = pass == PassKind::forward || pass == PassKind::tangent_forward;
  bool const rounds = machine.factors.has_value();
  double const terms = is_tangent ? 2 : 1, rounded_x = terms * rounding(machine, x).bytes,
               rounded_y = terms * rounding(machine, y).bytes, y_bytes = sizeof(Scalar) * y;
  Work work{.products = terms * forward_flops(shape),
            .product_bytes = pass_bytes(*this, pass, shape, in_ * out_ + (bias_ ? out_ : 0)),
            .launches = terms};
  work += rounding_of_weights(machine, w, is_tangent);
  if (is_forward) {
    bool const starts = (bias_ || residual) && !machine.adds_addends;
    constexpr double write_and_read = 2;
    work +=
        {.bytes = (starts ? write_and_read * y_bytes : 0) + (residual ? y_bytes : 0) + rounded_x,
         .launches = starts || rounds ? 1.0 : 0.0};
    return work;
  }
  bool const sums = bias_ && dtheta;
  work += {.bytes = rounded_y + (sums && !rounds ? y_bytes : 0), .launches = rounds ? 1.0 : 0.0};
  if (!dtheta) return work;
  work += {.products = terms * forward_flops(shape), .bytes = rounded_x, .launches = terms};
  constexpr double stages = 2;
  if (sums) work.launches += rounds ? stages - 1 : stages;
  return work;
}

KYRTOS_INSTANTIATE(kyrtos::layers::Linear)

}  // namespace kyrtos::layers
