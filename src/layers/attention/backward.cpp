// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../detail/head_rows.hpp"
#include "passes.hpp"
#include "sweeps.hpp"

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
void output_row_sums(Space const& space, Geometry<Scalar> const& g, Scalar const* y,
                     Scalar const* dy, Scalar* row_sum) {
  int const d = g.head_size;
  Kokkos::parallel_for(
      "kyrtos::attention::backward", head_rows(space, g), KOKKOS_LAMBDA(Index row) {
        Scalar const* KOKKOS_RESTRICT const o = y + row * d;
        Scalar const* KOKKOS_RESTRICT const d_o = dy + row * d;
        row_sum[row] = detail::sum_over<Scalar>(d, [&](int e) { return d_o[e] * o[e]; });
      });
}

template <class Scalar, class Space>
void backward(Space const& space, BackwardArguments<Scalar> const& in, AttentionSweeps sweeps) {
  double const cost = 5.0 / 7.0;  // FLOPs of one sweep over those of two
  with_head_size<Scalar, Space>(in.g.head_size, [&](auto head_size) {
    sweep_over_pairs<GradientTile, head_size>(space, "kyrtos::attention::backward", in, sweeps,
                                              cost);
  });
}

#define KYRTOS_INSTANTIATE_PASS(SPACE)                                                            \
  template void output_row_sums(SPACE const&, Geometry<float> const&, float const*, float const*, \
                                float*);                                                          \
  template void backward(SPACE const&, BackwardArguments<float> const&, AttentionSweeps);         \
  template void output_row_sums(SPACE const&, Geometry<double> const&, double const*,             \
                                double const*, double*);                                          \
  template void backward(SPACE const&, BackwardArguments<double> const&, AttentionSweeps);
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_PASS)

}  // namespace kyrtos::layers::attention
