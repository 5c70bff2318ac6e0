// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "layer_scale.hpp"

#include <kyrtos/layers/detail/rows.hpp>

namespace kyrtos::layers {

namespace layer_scale {

using detail::RowMember;

/// to(row, j) ← value(row, j), if anyone needs it.
template <class Scalar, class Space, class Value>
void set_rows(Context<Space> const& context, char const* label, MatrixView<Scalar, Space> to,
              Value const& value) {
  auto const rows = static_cast<Index>(to.extent(0)), columns = static_cast<Index>(to.extent(1));
  if (to.size() == 0) return;
  detail::for_each_row(
      context, label, rows, KOKKOS_LAMBDA(RowMember<Space> const& member, Index row) {
        detail::row_for<Space>(member, columns, [=](Index j) { to(row, j) = value(row, j); });
      });
}

/// to(j) += Σ_rows term(row, j), if anyone needs it: chunks of rows, then the sums over chunks.
template <class Scalar, class Space, class Term>
void add_over_rows(Context<Space> const& context, char const* label, Index rows,
                   VectorView<Scalar, Space> to, Term const& term) {
  auto const columns = static_cast<Index>(to.size());
  if (columns == 0) return;
  Index const chunks = detail::chunks_of<Space>(rows);
  auto const partial =
      as_matrix(context.template scratch<Scalar>(chunks * columns), 0, chunks, columns);
  detail::for_each_chunk(
      context, label, rows,
      KOKKOS_LAMBDA(RowMember<Space> const& member, Index chunk, Index begin, Index end) {
        detail::row_for<Space>(member, columns, [=](Index j) {
          Scalar sum = 0;
          for (Index row = begin; row < end; ++row) sum += term(row, j);
          partial(chunk, j) = sum;
        });
      });
  detail::add_partial_sums<Scalar>(context, label, partial, to);
}

}  // namespace layer_scale

template <class Scalar, class Space>
std::vector<SegmentSpec> LayerScale<Scalar, Space>::parameters() const {
  return {{.name = "scale",
           .shape = {features_},
           .initial = {Initialization::Kind::constant, initial_}}};
}

template <class Scalar, class Space>
void LayerScale<Scalar, Space>::forward(Context<Space> const& context, ConstVector s,
                                        Pass const& p) const {
  auto const x = p.x;
  layer_scale::set_rows<Scalar>(
      context, "kyrtos::layer_scale::forward", p.y,
      KOKKOS_LAMBDA(Index row, Index j) { return s(j) * x(row, j); });
}

template <class Scalar, class Space>
void LayerScale<Scalar, Space>::backward(Context<Space> const& context, ConstVector s,
                                         Pass const& p, Back const& a, MutableVector ds) const {
  auto const label = "kyrtos::layer_scale::backward";
  auto const x = p.x, dy = a.y;
  layer_scale::set_rows<Scalar>(
      context, label, a.x, KOKKOS_LAMBDA(Index row, Index j) { return s(j) * dy(row, j); });
  layer_scale::add_over_rows<Scalar>(
      context, label, p.shape.tokens(), ds,
      KOKKOS_LAMBDA(Index row, Index j) { return dy(row, j) * x(row, j); });
}

template <class Scalar, class Space>
void LayerScale<Scalar, Space>::tangent_forward(Context<Space> const& context, ConstVector s,
                                                ConstVector s_dot, Pass const& p,
                                                Pass const& t) const {
  auto const x = p.x, x_dot = t.x;
  layer_scale::set_rows<Scalar>(
      context, "kyrtos::layer_scale::tangent_forward", t.y,
      KOKKOS_LAMBDA(Index row, Index j) { return s(j) * x_dot(row, j) + s_dot(j) * x(row, j); });
}

template <class Scalar, class Space>
void LayerScale<Scalar, Space>::tangent_backward(Context<Space> const& context, ConstVector s,
                                                 ConstVector s_dot, Pass const& p, Pass const& t,
                                                 Back const& a, Back const& ta,
                                                 MutableVector ds_dot) const {
  auto const label = "kyrtos::layer_scale::tangent_backward";
  auto const x = p.x, x_dot = t.x, dy = a.y, dy_dot = ta.y;
  layer_scale::set_rows<Scalar>(
      context, label, ta.x,
      KOKKOS_LAMBDA(Index row, Index j) { return s(j) * dy_dot(row, j) + s_dot(j) * dy(row, j); });
  layer_scale::add_over_rows<Scalar>(
      context, label, p.shape.tokens(), ds_dot, KOKKOS_LAMBDA(Index row, Index j) {
        return dy_dot(row, j) * x(row, j) + dy(row, j) * x_dot(row, j);
      });
}

KYRTOS_INSTANTIATE(kyrtos::layers::LayerScale)

}  // namespace kyrtos::layers
