// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../detail/head_rows.hpp"
#include "passes.hpp"
#include "sweeps.hpp"

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
void tangent_output_row_sums(Space const& space, Geometry<Scalar> const& g, Scalar const* y,
                             Scalar const* y_dot, Scalar const* dy, Scalar const* dy_dot,
                             Scalar* row_sum, Scalar* row_sum_dot) {
  int const d = g.head_size;
  Kokkos::parallel_for(
      "kyrtos::attention::tangent_backward", head_rows(space, g), KOKKOS_LAMBDA(Index row) {
        Scalar const* KOKKOS_RESTRICT const o = y + row * d;
        Scalar const* KOKKOS_RESTRICT const o_dot = y_dot + row * d;
        Scalar const* KOKKOS_RESTRICT const d_o = dy + row * d;
        Scalar const* KOKKOS_RESTRICT const d_o_dot = dy_dot + row * d;
        row_sum[row] = detail::sum_over<Scalar>(d, [&](int e) { return d_o[e] * o[e]; });
        row_sum_dot[row] = detail::sum_over<Scalar>(
            d, [&](int e) { return d_o_dot[e] * o[e] + d_o[e] * o_dot[e]; });
      });
}

template <class Scalar, class Space>
void tangent_backward(Space const& space, TangentBackwardArguments<Scalar> const& in,
                      AttentionSweeps sweeps) {
  double const cost = 12.0 / 18.0;  // FLOPs of one sweep over those of two
  with_head_size<Scalar, Space>(in.g.head_size, [&](auto head_size) {
    sweep_over_pairs<TangentGradientTile, head_size>(space, "kyrtos::attention::tangent_backward",
                                                     in, sweeps, cost);
  });
}

#define KYRTOS_INSTANTIATE_PASS(SPACE)                                                             \
  template void tangent_output_row_sums(SPACE const&, Geometry<float> const&, float const*,        \
                                        float const*, float const*, float const*, float*, float*); \
  template void tangent_backward(SPACE const&, TangentBackwardArguments<float> const&,             \
                                 AttentionSweeps);                                                 \
  template void tangent_output_row_sums(SPACE const&, Geometry<double> const&, double const*,      \
                                        double const*, double const*, double const*, double*,      \
                                        double*);                                                  \
  template void tangent_backward(SPACE const&, TangentBackwardArguments<double> const&,            \
                                 AttentionSweeps);
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_PASS)

}  // namespace kyrtos::layers::attention
