// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../detail/head_rows.hpp"
#include "passes.hpp"

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
void output_row_sums(Space const& space, RowSumArguments<Scalar> const& in) {
  int const d = in.g.head_size;
  bool const tangent = in.row_sum_dot != nullptr;
  Kokkos::parallel_for(
      tangent ? "kyrtos::attention::tangent_backward" : "kyrtos::attention::backward",
      Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>(
          space, 0, Index(in.g.batch) * in.g.length * in.g.heads),
      KOKKOS_LAMBDA(Index row) {
        Scalar const* KOKKOS_RESTRICT const o = in.y + row * d;
        Scalar const* KOKKOS_RESTRICT const d_o = in.dy + row * d;
        in.row_sum[row] = detail::sum_over<Scalar>(d, [&](int e) { return d_o[e] * o[e]; });
        if (!tangent) return;
        Scalar const* KOKKOS_RESTRICT const o_dot = in.y_dot + row * d;
        Scalar const* KOKKOS_RESTRICT const d_o_dot = in.dy_dot + row * d;
        in.row_sum_dot[row] = detail::sum_over<Scalar>(
            d, [&](int e) { return d_o_dot[e] * o[e] + d_o[e] * o_dot[e]; });
      });
}

#define KYRTOS_ROW_SUMS(SPACE)                                                \
  template void output_row_sums(SPACE const&, RowSumArguments<float> const&); \
  template void output_row_sums(SPACE const&, RowSumArguments<double> const&);
KYRTOS_FOR_EACH_SPACE(KYRTOS_ROW_SUMS)

}  // namespace kyrtos::layers::attention
