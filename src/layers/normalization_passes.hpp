// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/detail/normalization.hpp>
#include <kyrtos/layers/detail/rows.hpp>

#include <string>
#include <vector>

/// \file
/// \brief The passes of detail::Normalization, also for other row blocks than those in use
/// (perf/laboratory/normalization.cpp).

namespace kyrtos::layers::detail {

/// y ← term(j), plus x where there is one.
template <class Space, class Scalar, class Term>
KOKKOS_INLINE_FUNCTION void write_sum(RowMember<Space> const& member, Index n, Scalar* y,
                                      Scalar const* x, Term const& term) {
  if (x != nullptr)
    row_for<Space>(member, n, [=](Index j) { y[j] = x[j] + term(j); });
  else
    row_for<Space>(member, n, [=](Index j) { y[j] = term(j); });
}

template <class Scalar, class Space, class Blocks>
std::vector<SegmentSpec> Normalization<Scalar, Space, Blocks>::parameters() const {
  std::vector<SegmentSpec> specs{
      {"weight", {features_}, {Initialization::Kind::constant, 1}, false}};
  if (bias_) specs.push_back({"bias", {features_}, {}, false});
  return specs;
}

template <class Scalar, class Space, class Blocks>
void Normalization<Scalar, Space, Blocks>::forward(Context<Space> const& context, ConstVector theta,
                                                   Pass const& p) const {
  Index const n = features_;
  auto const inverse_n = Scalar(1) / static_cast<Scalar>(n);
  auto const epsilon = static_cast<Scalar>(epsilon_);
  bool const centered = centered_, has_bias = bias_;
  Scalar const* const w = theta.data();
  Rows const x_rows(p.x);
  Rows const y_rows(p.y);
  Scalar* const saved = p.saved.data();
  for_each_row(
      context, label("forward").c_str(), p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = x_rows(row);
        Scalar* const y = y_rows(row);
        Scalar const m =
            centered ? inverse_n * row_sum<Scalar, Space>(member, n, [=](Index j) { return x[j]; })
                     : Scalar(0);
        Scalar const variance = inverse_n * row_sum<Scalar, Space>(member, n, [=](Index j) {
                                  return (x[j] - m) * (x[j] - m);
                                });
        Scalar const r = 1 / math::sqrt(variance + epsilon);
        if (has_bias)
          row_for<Space>(member, n, [=](Index j) { y[j] = w[j] * (r * (x[j] - m)) + w[n + j]; });
        else
          row_for<Space>(member, n, [=](Index j) { y[j] = w[j] * (r * (x[j] - m)); });
        Kokkos::single(Kokkos::PerTeam(member), [=]() {
          saved[2 * row] = m;
          saved[2 * row + 1] = r;
        });
      },
      Blocks());
}

template <class Scalar, class Space, class Blocks>
void Normalization<Scalar, Space, Blocks>::backward(Context<Space> const& context,
                                                    ConstVector theta, Pass const& p, Back const& a,
                                                    MutableVector dtheta) const {
  Index const n = features_, rows = p.shape.tokens();
  auto const inverse_n = Scalar(1) / static_cast<Scalar>(n);
  bool const centered = centered_, has_bias = bias_;
  bool const needs_x = a.x.size() > 0, needs_theta = dtheta.size() > 0;
  Scalar const* const w = theta.data();
  Rows const x_rows(p.x);
  Rows const dy_rows(a.y);
  Rows const dx_rows(a.x);
  Rows const joining_rows(a.joining);
  Scalar const* const saved = p.saved.data();
  add_row_sums(
      context, label("backward").c_str(), rows, dtheta,
      KOKKOS_LAMBDA(RowMember<Space> const& member, Scalar* const dw, Index begin, Index end) {
        for (Index row = begin; row < end; ++row) {
          Scalar const* const x = x_rows(row);
          Scalar const* const dy = dy_rows(row);
          Scalar const m = saved[2 * row], r = saved[2 * row + 1];
          if (needs_x) {
            Scalar* const dx = dx_rows(row);
            Scalar const A = centered
                                 ? inverse_n * row_sum<Scalar, Space>(
                                                   member, n, [=](Index j) { return w[j] * dy[j]; })
                                 : Scalar(0);
            Scalar const B = inverse_n * row_sum<Scalar, Space>(member, n, [=](Index j) {
                               return w[j] * dy[j] * (r * (x[j] - m));
                             });
            auto const own = [=](Index j) { return r * (w[j] * dy[j] - A - r * (x[j] - m) * B); };
            write_sum<Space>(member, n, dx, joining_rows(row), own);
          }
          if (needs_theta)
            row_for<Space>(member, n, [=](Index j) { dw[j] += dy[j] * (r * (x[j] - m)); });
          if (needs_theta && has_bias)
            row_for<Space>(member, n, [=](Index j) { dw[n + j] += dy[j]; });
        }
      },
      Blocks());
}

template <class Scalar, class Space, class Blocks>
void Normalization<Scalar, Space, Blocks>::tangent_forward(Context<Space> const& context,
                                                           ConstVector theta, ConstVector u,
                                                           Pass const& p, Pass const& t) const {
  Index const n = features_;
  auto const inverse_n = Scalar(1) / static_cast<Scalar>(n);
  bool const centered = centered_, has_bias = bias_;
  Scalar const* const w = theta.data();
  Scalar const* const w_dot = u.data();
  Rows const x_rows(p.x);
  Rows const x_dot_rows(t.x);
  Rows const y_dot_rows(t.y);
  Scalar const* const saved = p.saved.data();
  Scalar* const tangent_saved = t.saved.data();
  for_each_row(
      context, label("tangent_forward").c_str(), p.shape.tokens(),
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        Scalar const* const x = x_rows(row);
        Scalar const* const x_dot = x_dot_rows(row);
        Scalar* const y_dot = y_dot_rows(row);
        Scalar const m = saved[2 * row], r = saved[2 * row + 1];
        Scalar const m_dot =
            centered
                ? inverse_n * row_sum<Scalar, Space>(member, n, [=](Index j) { return x_dot[j]; })
                : Scalar(0);
        Scalar const alpha = inverse_n * row_sum<Scalar, Space>(member, n, [=](Index j) {
                               return r * (x[j] - m) * x_dot[j];
                             });
        row_for<Space>(member, n, [=](Index j) {
          Scalar const normal = r * (x[j] - m);
          y_dot[j] = w[j] * (r * (x_dot[j] - m_dot - normal * alpha)) + w_dot[j] * normal;
        });
        if (has_bias) row_for<Space>(member, n, [=](Index j) { y_dot[j] += w_dot[n + j]; });
        Kokkos::single(Kokkos::PerTeam(member), [=]() {
          tangent_saved[2 * row] = m_dot;
          tangent_saved[2 * row + 1] = alpha;
        });
      },
      Blocks());
}

template <class Scalar, class Space, class Blocks>
void Normalization<Scalar, Space, Blocks>::tangent_backward(Context<Space> const& context,
                                                            ConstVector theta, ConstVector u,
                                                            Pass const& p, Pass const& t,
                                                            Back const& a, Back const& ta,
                                                            MutableVector hu) const {
  Index const n = features_, rows = p.shape.tokens();
  auto const inverse_n = Scalar(1) / static_cast<Scalar>(n);
  bool const centered = centered_, has_bias = bias_;
  bool const needs_x = ta.x.size() > 0, needs_theta = hu.size() > 0;
  Scalar const* const w = theta.data();
  Scalar const* const w_dot = u.data();
  Rows const x_rows(p.x);
  Rows const dy_rows(a.y);
  Rows const x_dot_rows(t.x);
  Rows const dy_dot_rows(ta.y);
  Rows const dx_dot_rows(ta.x);
  Rows const joining_rows(ta.joining);
  Scalar const* const saved = p.saved.data();
  Scalar const* const tangent_saved = t.saved.data();
  add_row_sums(
      context, label("tangent_backward").c_str(), rows, hu,
      KOKKOS_LAMBDA(RowMember<Space> const& member, Scalar* const dw, Index begin, Index end) {
        for (Index row = begin; row < end; ++row) {
          Scalar const* const x = x_rows(row);
          Scalar const* const x_dot = x_dot_rows(row);
          Scalar const* const dy = dy_rows(row);
          Scalar const* const dy_dot = dy_dot_rows(row);
          Scalar const m = saved[2 * row], r = saved[2 * row + 1];
          Scalar const m_dot = tangent_saved[2 * row], alpha = tangent_saved[2 * row + 1];
          // x̂ and its tangent at feature j.
          auto const hat = [=](Index j) { return r * (x[j] - m); };
          auto const hat_dot = [=](Index j) { return r * (x_dot[j] - m_dot - hat(j) * alpha); };
          if (needs_x) {
            Scalar* const dx_dot = dx_dot_rows(row);
            auto const h = [=](Index j) { return w[j] * dy[j]; };
            auto const h_dot = [=](Index j) { return w_dot[j] * dy[j] + w[j] * dy_dot[j]; };
            Scalar A = 0, A_dot = 0;
            if (centered) {
              A = inverse_n * row_sum<Scalar, Space>(member, n, h);
              A_dot = inverse_n * row_sum<Scalar, Space>(member, n, h_dot);
            }
            Scalar const B = inverse_n * row_sum<Scalar, Space>(
                                             member, n, [=](Index j) { return h(j) * hat(j); });
            Scalar const B_dot = inverse_n * row_sum<Scalar, Space>(member, n, [=](Index j) {
                                   return h_dot(j) * hat(j) + h(j) * hat_dot(j);
                                 });
            auto const own = [=](Index j) {
              return r * (h_dot(j) - A_dot - hat_dot(j) * B - hat(j) * B_dot -
                          r * alpha * (h(j) - A - hat(j) * B));
            };
            write_sum<Space>(member, n, dx_dot, joining_rows(row), own);
          }
          if (needs_theta)
            row_for<Space>(member, n,
                           [=](Index j) { dw[j] += dy_dot[j] * hat(j) + dy[j] * hat_dot(j); });
          if (needs_theta && has_bias)
            row_for<Space>(member, n, [=](Index j) { dw[n + j] += dy_dot[j]; });
        }
      },
      Blocks());
}

}  // namespace kyrtos::layers::detail
