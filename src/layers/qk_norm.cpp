// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/detail/rows.hpp>
#include <kyrtos/layers/qk_norm.hpp>

namespace kyrtos::layers {

namespace qk_norm {

/// What is normalised in a packed row: the first `queries` with the query's weight, those up to
/// `norms` with the key's; `copied` features follow.
struct Heads {
  Index queries, norms, query_size, key_size, copied;

  KOKKOS_INLINE_FUNCTION Index size(Index head) const {
    return head < queries ? query_size : key_size;
  }
  /// Where its weight begins.
  KOKKOS_INLINE_FUNCTION Index weight(Index head) const { return head < queries ? 0 : query_size; }
};

}  // namespace qk_norm

template <class Scalar, class Space>
QkNorm<Scalar, Space>::QkNorm(QkNormOptions const& options) : options_(options) {
  if (options_.kv_heads == 0) options_.kv_heads = options_.heads;
  require<ConfigError>(options_.heads > 0 && options_.kv_heads > 0 && options_.head_size > 0,
                       "qk_norm: heads, kv_heads and head_size must be positive");
}

template <class Scalar, class Space>
std::vector<SegmentSpec> QkNorm<Scalar, Space>::parameters() const {
  Initialization const ones{Initialization::Kind::constant, 1};
  return {{"query_norm.weight", {query_size()}, ones, false},
          {"key_norm.weight", {key_size()}, ones, false}};
}

template <class Scalar, class Space>
double QkNorm<Scalar, Space>::forward_flops(SequenceShape shape) const {
  return 4 * static_cast<double>(shape.tokens() * (options_.heads + options_.kv_heads) *
                                 options_.head_size);
}

template <class Scalar, class Space>
void QkNorm<Scalar, Space>::forward(Context<Space> const& context, ConstVector theta,
                                    Pass const& p) const {
  qk_norm::Heads const h{query_norms(), norms(), query_size(), key_size(),
                         options_.kv_heads * options_.head_size};
  auto const epsilon = static_cast<Scalar>(options_.epsilon);
  Scalar const* const weights = theta.data();
  detail::Rows const x_rows(p.x);
  detail::Rows const y_rows(p.y);
  Scalar* const saved = p.saved.data();
  detail::for_each_row(
      context, "kyrtos::qk_norm::forward", p.shape.tokens(),
      KOKKOS_LAMBDA(detail::RowMember<Space> const& member, Index row) {
        Scalar const* x = x_rows(row);
        Scalar* y = y_rows(row);
        for (Index head = 0; head < h.norms; ++head) {
          Index const size = h.size(head);
          auto const inverse_n = Scalar(1) / static_cast<Scalar>(size);
          Scalar const* const w = weights + h.weight(head);
          Scalar const square = inverse_n * detail::row_sum<Scalar, Space>(
                                                member, size, [=](Index j) { return x[j] * x[j]; });
          Scalar const r = 1 / math::sqrt(square + epsilon);
          detail::row_for<Space>(member, size, [=](Index j) { y[j] = w[j] * (r * x[j]); });
          Kokkos::single(Kokkos::PerTeam(member), [=]() { saved[row * h.norms + head] = r; });
          x += size, y += size;
        }
        detail::row_for<Space>(member, h.copied, [=](Index j) { y[j] = x[j]; });
      });
}

template <class Scalar, class Space>
void QkNorm<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector theta,
                                            ConstVector u, Pass const& p, Pass const& t) const {
  qk_norm::Heads const h{query_norms(), norms(), query_size(), key_size(),
                         options_.kv_heads * options_.head_size};
  Scalar const* const weights = theta.data();
  Scalar const* const weights_dot = u.data();
  detail::Rows const x_rows(p.x);
  detail::Rows const x_dot_rows(t.x);
  detail::Rows const y_dot_rows(t.y);
  Scalar const* const saved = p.saved.data();
  Scalar* const tangent_saved = t.saved.data();
  detail::for_each_row(
      context, "kyrtos::qk_norm::tangent_forward", p.shape.tokens(),
      KOKKOS_LAMBDA(detail::RowMember<Space> const& member, Index row) {
        Scalar const* x = x_rows(row);
        Scalar const* x_dot = x_dot_rows(row);
        Scalar* y_dot = y_dot_rows(row);
        for (Index head = 0; head < h.norms; ++head) {
          Index const size = h.size(head);
          auto const inverse_n = Scalar(1) / static_cast<Scalar>(size);
          Scalar const* const w = weights + h.weight(head);
          Scalar const* const w_dot = weights_dot + h.weight(head);
          Scalar const r = saved[row * h.norms + head];
          Scalar const alpha = inverse_n * r *
                               detail::row_sum<Scalar, Space>(
                                   member, size, [=](Index j) { return x[j] * x_dot[j]; });
          detail::row_for<Space>(member, size, [=](Index j) {
            Scalar const n = r * x[j];
            y_dot[j] = w[j] * (r * (x_dot[j] - alpha * n)) + w_dot[j] * n;
          });
          Kokkos::single(Kokkos::PerTeam(member),
                         [=]() { tangent_saved[row * h.norms + head] = alpha; });
          x += size, x_dot += size, y_dot += size;
        }
        detail::row_for<Space>(member, h.copied, [=](Index j) { y_dot[j] = x_dot[j]; });
      });
}

template <class Scalar, class Space>
void QkNorm<Scalar, Space>::backward(Context<Space> const& context, ConstVector theta,
                                     Pass const& p, Back const& a, MutableVector dtheta) const {
  qk_norm::Heads const h{query_norms(), norms(), query_size(), key_size(),
                         options_.kv_heads * options_.head_size};
  bool const needs_x = a.x.size() > 0, needs_theta = dtheta.size() > 0;
  Scalar const* const weights = theta.data();
  detail::Rows const x_rows(p.x);
  detail::Rows const dy_rows(a.y);
  detail::Rows const dx_rows(a.x);
  Scalar const* const saved = p.saved.data();
  detail::add_row_sums(
      context, "kyrtos::qk_norm::backward", p.shape.tokens(), dtheta,
      KOKKOS_LAMBDA(detail::RowMember<Space> const& member, Scalar* const sums, Index begin,
                    Index end) {
        for (Index row = begin; row < end; ++row) {
          Scalar const* x = x_rows(row);
          Scalar const* dy = dy_rows(row);
          Scalar* dx = needs_x ? dx_rows(row) : nullptr;
          for (Index head = 0; head < h.norms; ++head) {
            Index const size = h.size(head);
            auto const inverse_n = Scalar(1) / static_cast<Scalar>(size);
            Scalar const r = saved[row * h.norms + head];
            if (needs_x) {
              Scalar const* const w = weights + h.weight(head);
              Scalar const beta = inverse_n * r *
                                  detail::row_sum<Scalar, Space>(
                                      member, size, [=](Index j) { return w[j] * dy[j] * x[j]; });
              detail::row_for<Space>(
                  member, size, [=](Index j) { dx[j] = r * (w[j] * dy[j] - beta * (r * x[j])); });
              dx += size;
            }
            if (needs_theta) {
              Scalar* const dw = sums + h.weight(head);
              detail::row_for<Space>(member, size, [=](Index j) { dw[j] += dy[j] * (r * x[j]); });
            }
            x += size, dy += size;
          }
          if (needs_x) detail::row_for<Space>(member, h.copied, [=](Index j) { dx[j] = dy[j]; });
        }
      });
}

template <class Scalar, class Space>
void QkNorm<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector theta,
                                             ConstVector u, Pass const& p, Pass const& t,
                                             Back const& a, Back const& ta,
                                             MutableVector hu) const {
  qk_norm::Heads const h{query_norms(), norms(), query_size(), key_size(),
                         options_.kv_heads * options_.head_size};
  bool const needs_x = ta.x.size() > 0, needs_theta = hu.size() > 0;
  Scalar const* const weights = theta.data();
  Scalar const* const weights_dot = u.data();
  detail::Rows const x_rows(p.x);
  detail::Rows const dy_rows(a.y);
  detail::Rows const x_dot_rows(t.x);
  detail::Rows const dy_dot_rows(ta.y);
  detail::Rows const dx_dot_rows(ta.x);
  Scalar const* const saved = p.saved.data();
  Scalar const* const tangent_saved = t.saved.data();
  detail::add_row_sums(
      context, "kyrtos::qk_norm::tangent_backward", p.shape.tokens(), hu,
      KOKKOS_LAMBDA(detail::RowMember<Space> const& member, Scalar* const sums, Index begin,
                    Index end) {
        for (Index row = begin; row < end; ++row) {
          Scalar const *x = x_rows(row), *x_dot = x_dot_rows(row);
          Scalar const *dy = dy_rows(row), *dy_dot = dy_dot_rows(row);
          Scalar* dx_dot = needs_x ? dx_dot_rows(row) : nullptr;
          for (Index head = 0; head < h.norms; ++head) {
            Index const size = h.size(head);
            auto const inverse_n = Scalar(1) / static_cast<Scalar>(size);
            Scalar const r = saved[row * h.norms + head];
            Scalar const alpha = tangent_saved[row * h.norms + head];
            if (needs_x) {
              Scalar const* const w = weights + h.weight(head);
              Scalar const* const w_dot = weights_dot + h.weight(head);
              Scalar const beta = inverse_n * r *
                                  detail::row_sum<Scalar, Space>(
                                      member, size, [=](Index j) { return w[j] * dy[j] * x[j]; });
              Scalar const beta_dot =
                  inverse_n * r * detail::row_sum<Scalar, Space>(member, size, [=](Index j) {
                    Scalar const n_dot = x_dot[j] - alpha * (r * x[j]);  // over r
                    return (w_dot[j] * dy[j] + w[j] * dy_dot[j]) * x[j] + w[j] * dy[j] * n_dot;
                  });
              detail::row_for<Space>(member, size, [=](Index j) {
                Scalar const n = r * x[j], n_dot = r * (x_dot[j] - alpha * n);
                Scalar const g = w[j] * dy[j], g_dot = w_dot[j] * dy[j] + w[j] * dy_dot[j];
                dx_dot[j] = r * (g_dot - beta_dot * n - beta * n_dot - alpha * r * (g - beta * n));
              });
              dx_dot += size;
            }
            if (needs_theta) {
              Scalar* const dw = sums + h.weight(head);
              detail::row_for<Space>(member, size, [=](Index j) {
                Scalar const n = r * x[j], n_dot = r * (x_dot[j] - alpha * n);
                dw[j] += dy_dot[j] * n + dy[j] * n_dot;
              });
            }
            x += size, x_dot += size, dy += size, dy_dot += size;
          }
          if (needs_x)
            detail::row_for<Space>(member, h.copied, [=](Index j) { dx_dot[j] = dy_dot[j]; });
        }
      });
}

}  // namespace kyrtos::layers

KYRTOS_INSTANTIATE(kyrtos::layers::QkNorm)
