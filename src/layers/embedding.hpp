// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include "lanes.hpp"

/// \file
/// \brief Sums over rows that the embeddings share; what they sum has one order.

namespace kyrtos::layers::embedding {

/// out ← out + Σ row(k) for k in [0, count), rows of `columns` values, in this order; the work of
/// one team.
template <class Space, class Scalar, class Row>
KOKKOS_FORCEINLINE_FUNCTION void add_rows(lanes::Team<Space> const& team, int columns, int count,
                                          Row const& row, Scalar* out) {
  constexpr int lane_count = lanes::Traits<Space>::count;
  int const stride = team.team_size() * lane_count;
  for (int j = team.team_rank() * lane_count; j < columns; j += stride) {
    int const width = columns - j < lane_count ? columns - j : lane_count;
    Scalar sum[lane_count] = {};
    for (int k = 0; k < count; ++k) {
      Scalar const* const in = row(k) + j;
      if (width == lane_count)
        for (int lane = 0; lane < lane_count; ++lane) sum[lane] += in[lane];
      else
        for (int lane = 0; lane < width; ++lane) sum[lane] += in[lane];
    }
    for (int lane = 0; lane < width; ++lane) out[j + lane] += sum[lane];
  }
}

/// dP(t, :) ← dP(t, :) + Σ_b dy(b·length + t, :), sequences in order: the gradient of a table of
/// positions. Reads dy once.
template <class Scalar, class Space>
void add_position_gradient(Context<Space> const& context, SequenceShape shape,
                           MatrixView<Scalar const, Space> dy, MatrixView<Scalar, Space> dp) {
  auto const columns = static_cast<int>(dy.extent(1));
  Kokkos::parallel_for(
      "kyrtos::embedding::position_gradient", lanes::policy(context.space(), shape.length),
      KOKKOS_LAMBDA(lanes::Team<Space> const& team) {
        Index const t = team.league_rank();
        auto const row = [&](int b) { return dy.data() + (b * shape.length + t) * columns; };
        add_rows<Space>(team, columns, static_cast<int>(shape.batch), row, &dp(t, 0));
      });
}

}  // namespace kyrtos::layers::embedding
