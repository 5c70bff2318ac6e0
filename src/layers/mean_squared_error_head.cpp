// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/mean_squared_error_head.hpp>

#include "lanes.hpp"

namespace kyrtos::layers {

namespace mean_squared_error {

/// The row kernel: z becomes D, and ż becomes Ḋ, as the header has them.
template <class Scalar, class Space, bool tangent>
struct RowKernel {
  using Team = lanes::Team<Space>;

  MatrixView<Scalar, Space> z, z_dot;
  MatrixView<Scalar const, Space> targets;
  VectorView<double, Space> loss, loss_dot;
  Scalar weight;
  linalg::RoundedRows d, d_dot;

  KOKKOS_FUNCTION void operator()(Team const& team) const {
    int const i = team.league_rank(), n = static_cast<int>(z.extent(1));
    Scalar* KOKKOS_RESTRICT const row = &z(i, 0);
    Scalar* KOKKOS_RESTRICT const row_dot = tangent ? &z_dot(i, 0) : nullptr;
    Scalar const* KOKKOS_RESTRICT const target = &targets(i, 0);
    Scalar sum[lanes::Traits<Space>::count] = {}, sum_dot[lanes::Traits<Space>::count] = {};
    Scalar const scale = 2 * weight / static_cast<Scalar>(n);
    lanes::for_each<Space>(team, n, [&](int j, int k) {
      Scalar const error = row[j] - target[j];
      sum[k] += error * error;
      row[j] = scale * error;
      lanes::store_rounded<Space>(d, i, j, row[j]);
      if constexpr (tangent) {
        sum_dot[k] += error * row_dot[j];
        row_dot[j] *= scale;
        lanes::store_rounded<Space>(d_dot, i, j, row_dot[j]);
      }
    });
    lanes::round_row<Space>(team, d, i, row, n);
    if constexpr (tangent) lanes::round_row<Space>(team, d_dot, i, row_dot, n);
    Scalar const total = lanes::sum<Space>(team, sum), total_dot = lanes::sum<Space>(team, sum_dot);
    Kokkos::single(Kokkos::PerTeam(team), [&] {
      loss(i) = static_cast<double>(total) / n;
      loss_dot(i) = 2 * static_cast<double>(total_dot) / n;
    });
  }
};

}  // namespace mean_squared_error

template <class Scalar, class Space>
MeanSquaredErrorHead<Scalar, Space>::MeanSquaredErrorHead(Index width, Index output_features,
                                                          double initial_scale, Index chunk_rows)
    : Head({width, output_features, true, chunk_rows}), initial_scale_(initial_scale) {}

template <class Scalar, class Space>
std::vector<SegmentSpec> MeanSquaredErrorHead<Scalar, Space>::parameters() const {
  return {{"weight",
           {this->out_features(), this->in_features()},
           {Initialization::Kind::normal, initial_scale_},
           true},
          {"bias", {this->out_features()}}};
}

template <class Scalar, class Space>
void MeanSquaredErrorHead<Scalar, Space>::check_targets(Batch<Scalar, Space> const& batch) const {
  auto const& t = batch.target_fields;
  if (static_cast<Index>(t.extent(0)) != batch.shape.tokens() ||
      static_cast<Index>(t.extent(1)) != this->out_features())
    throw ShapeError("mean_squared_error_head: target fields are [" + std::to_string(t.extent(0)) +
                     ", " + std::to_string(t.extent(1)) + "], but [" +
                     std::to_string(batch.shape.tokens()) + ", " +
                     std::to_string(this->out_features()) + "] are needed");
}

template <class Scalar, class Space>
void MeanSquaredErrorHead<Scalar, Space>::evaluate(Context<Space> const& context,
                                                   Batch<Scalar, Space> const& batch,
                                                   Rows const& r) const {
  auto const rows = static_cast<Index>(r.z.extent(0));
  auto const run = [&]<bool tangent>() {
    mean_squared_error::RowKernel<Scalar, Space, tangent> const kernel{
        r.z,    r.z_dot,    rows_of(batch.target_fields, r.begin, rows),
        r.loss, r.loss_dot, static_cast<Scalar>(batch.weight),
        r.d,    r.d_dot};
    Kokkos::parallel_for("kyrtos::mean_squared_error_head::rows",
                         lanes::policy(context.space(), rows), kernel);
  };
  if (r.z_dot.size() > 0)
    run.template operator()<true>();
  else
    run.template operator()<false>();
}

KYRTOS_INSTANTIATE(kyrtos::layers::MeanSquaredErrorHead)

}  // namespace kyrtos::layers
