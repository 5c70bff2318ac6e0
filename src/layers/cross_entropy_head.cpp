// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/fast_math.hpp>
#include <kyrtos/layers/cross_entropy_head.hpp>

#include "lanes.hpp"

namespace kyrtos::layers {

namespace cross_entropy {

/// The row kernel: z becomes D, and ż becomes Ḋ, as the header has them.
template <class Scalar, class Space, bool tangent>
struct RowKernel {
  using Team = lanes::Team<Space>;

  MatrixView<Scalar, Space> z, z_dot;
  VectorView<Token const, Space> targets;
  VectorView<double, Space> loss, loss_dot;
  Scalar weight, z_loss;
  linalg::RoundedRows d, d_dot;

  struct Sums {
    Scalar top = 0;      ///< max zⱼ
    Scalar exp = 0;      ///< Σ exp(zⱼ − max)
    Scalar exp_dot = 0;  ///< Σ exp(zⱼ − max) żⱼ
  };
  static constexpr bool on_host = lanes::Traits<Space>::host;

  KOKKOS_FUNCTION Scalar largest(Team const& team, Scalar const* row, int n) const {
    Scalar lane[lanes::Traits<Space>::count];
    for (auto& value : lane) value = row[0];
    lanes::for_each<Space>(team, n,
                           [&](int j, int k) { lane[k] = row[j] > lane[k] ? row[j] : lane[k]; });
    return lanes::largest<Space>(team, lane);
  }

  KOKKOS_FUNCTION Sums exponentials(Team const& team, Scalar* KOKKOS_RESTRICT row,
                                    Scalar const* KOKKOS_RESTRICT row_dot, int n,
                                    Scalar top) const {
    Scalar sum[lanes::Traits<Space>::count] = {}, sum_dot[lanes::Traits<Space>::count] = {};
    lanes::for_each<Space>(team, n, [&](int j, int k) {
      Scalar const e = fast::exp_nonpositive(row[j] - top);
      row[j] = e;
      sum[k] += e;
      if constexpr (tangent) sum_dot[k] += e * row_dot[j];
    });
    Sums sums;
    sums.exp = lanes::sum<Space>(team, sum);
    if constexpr (tangent) sums.exp_dot = lanes::sum<Space>(team, sum_dot);
    return sums;
  }

  /// A CPU's caches hold the row: its largest element first, then their exponentials, which stay in
  /// the row.
  KOKKOS_FUNCTION Sums sums_of_cached(Team const& team, Scalar* row, Scalar const* row_dot,
                                      int n) const {
    Scalar const top = largest(team, row, n);
    Sums sums = exponentials(team, row, row_dot, n, top);
    sums.top = top;
    return sums;
  }

  /// A device's do not: each thread goes over its elements once, and scales its sums down where it
  /// meets a larger one (Milakov & Gimelshein, arXiv 1805.02867).
  KOKKOS_FUNCTION Sums sums_of_streamed(Team const& team, Scalar const* row, Scalar const* row_dot,
                                        int n) const {
    Sums own;
    own.top = Kokkos::Experimental::finite_min<Scalar>::value;
    lanes::for_each<Space>(team, n, [&](int j, int) {
      Scalar const z_j = row[j];
      if (z_j > own.top) {
        Scalar const scale = own.exp > 0 ? fast::exp_nonpositive(own.top - z_j) : Scalar(0);
        own.exp *= scale;
        own.exp_dot *= scale;
        own.top = z_j;
      }
      Scalar const e = fast::exp_nonpositive(z_j - own.top);
      own.exp += e;
      if constexpr (tangent) own.exp_dot += e * row_dot[j];
    });
    Sums sums;
    sums.top = lanes::largest<Space>(team, &own.top);
    Scalar const scale = own.exp > 0 ? fast::exp_nonpositive(own.top - sums.top) : Scalar(0);
    own.exp *= scale;
    own.exp_dot *= scale;
    sums.exp = lanes::sum<Space>(team, &own.exp);
    sums.exp_dot = lanes::sum<Space>(team, &own.exp_dot);
    return sums;
  }

  KOKKOS_FUNCTION void write(Team const& team, Scalar* KOKKOS_RESTRICT row,
                             Scalar* KOKKOS_RESTRICT row_dot, int n, Scalar scale, Scalar top,
                             Scalar a, Scalar mu) const {
    Scalar const shift = (2 * z_loss - a) * mu;
    int const i = team.league_rank();
    lanes::for_each<Space>(team, n, [&](int j, int) {
      Scalar const wp = scale * (on_host ? row[j] : fast::exp_nonpositive(row[j] - top));
      row[j] = a * wp;
      lanes::store_rounded<Space>(d, i, j, row[j]);
      if constexpr (tangent) {
        row_dot[j] = wp * (a * row_dot[j] + shift);
        lanes::store_rounded<Space>(d_dot, i, j, row_dot[j]);
      }
    });
  }

  KOKKOS_FUNCTION void round(Team const& team, Scalar const* row, Scalar const* row_dot,
                             int n) const {
    lanes::round_row<Space>(team, d, team.league_rank(), row, n);
    if constexpr (tangent) lanes::round_row<Space>(team, d_dot, team.league_rank(), row_dot, n);
  }

  KOKKOS_FUNCTION void ignore(Team const& team, Scalar* row, Scalar* row_dot, int n) const {
    int const i = team.league_rank();
    lanes::for_each<Space>(team, n, [&](int j, int) {
      row[j] = 0;
      lanes::store_rounded<Space>(d, i, j, row[j]);
      if constexpr (tangent) {
        row_dot[j] = 0;
        lanes::store_rounded<Space>(d_dot, i, j, row_dot[j]);
      }
    });
    round(team, row, row_dot, n);
    Kokkos::single(Kokkos::PerTeam(team), [&] {
      loss(team.league_rank()) = 0;
      loss_dot(team.league_rank()) = 0;
    });
  }

  KOKKOS_FUNCTION void operator()(Team const& team) const {
    int const i = team.league_rank(), n = static_cast<int>(z.extent(1));
    Scalar* const row = &z(i, 0);
    Scalar* const row_dot = tangent ? &z_dot(i, 0) : nullptr;
    Token const target = targets(i);
    if (target < 0) return ignore(team, row, row_dot, n);

    Scalar const z_target = row[target], z_dot_target = tangent ? row_dot[target] : Scalar(0);
    Sums sums;
    if constexpr (on_host)
      sums = sums_of_cached(team, row, row_dot, n);
    else
      sums = sums_of_streamed(team, row, row_dot, n);
    // The row's own numbers in double: they cost nothing, and the loss is a small difference.
    double const log_sum = math::log(static_cast<double>(sums.exp));
    double const lse = static_cast<double>(sums.top) + log_sum;
    double const a = 1 + 2 * static_cast<double>(z_loss) * lse;
    double const mu = static_cast<double>(sums.exp_dot) / static_cast<double>(sums.exp);
    write(team, row, row_dot, n, weight / sums.exp, sums.top, static_cast<Scalar>(a),
          static_cast<Scalar>(mu));
    team.team_barrier();
    Kokkos::single(Kokkos::PerTeam(team), [&] {
      row[target] -= weight;
      lanes::store_rounded<Space>(d, i, target, row[target]);
      double const margin = static_cast<double>(sums.top) - static_cast<double>(z_target);
      loss(i) = log_sum + margin + static_cast<double>(z_loss) * lse * lse;
      loss_dot(i) = a * mu - static_cast<double>(z_dot_target);
    });
    round(team, row, row_dot, n);
  }
};

}  // namespace cross_entropy

template <class Scalar, class Space>
CrossEntropyHead<Scalar, Space>::CrossEntropyHead(Index vocabulary, Index width, bool tied,
                                                  double z_loss, double initial_scale,
                                                  Index chunk_rows)
    : Head({width, vocabulary, false, chunk_rows}),
      tied_(tied),
      z_loss_(z_loss),
      initial_scale_(initial_scale) {
  require<ConfigError>(z_loss >= 0, "cross_entropy_head: z_loss must not be negative");
}

template <class Scalar, class Space>
std::vector<SegmentSpec> CrossEntropyHead<Scalar, Space>::parameters() const {
  if (tied_) return {};
  return {{"weight",
           {this->out_features(), this->in_features()},
           {Initialization::Kind::normal, initial_scale_},
           true}};
}

template <class Scalar, class Space>
void CrossEntropyHead<Scalar, Space>::check_targets(Batch<Scalar, Space> const& batch) const {
  if (static_cast<Index>(batch.targets.size()) != batch.shape.tokens())
    throw ShapeError("cross_entropy_head: " + std::to_string(batch.targets.size()) +
                     " targets for " + std::to_string(batch.shape.tokens()) + " tokens");
}

template <class Scalar, class Space>
void CrossEntropyHead<Scalar, Space>::evaluate(Context<Space> const& context,
                                               Batch<Scalar, Space> const& batch,
                                               Rows const& r) const {
  auto const rows = static_cast<Index>(r.z.extent(0));
  auto const run = [&]<bool tangent>() {
    cross_entropy::RowKernel<Scalar, Space, tangent> const kernel{
        r.z,
        r.z_dot,
        slice(batch.targets, r.begin, rows),
        r.loss,
        r.loss_dot,
        static_cast<Scalar>(batch.weight),
        static_cast<Scalar>(z_loss_),
        r.d,
        r.d_dot};
    Kokkos::parallel_for("kyrtos::cross_entropy_head::rows", lanes::policy(context.space(), rows),
                         kernel);
  };
  if (r.z_dot.size() > 0)
    run.template operator()<true>();
  else
    run.template operator()<false>();
}

KYRTOS_INSTANTIATE(kyrtos::layers::CrossEntropyHead)

}  // namespace kyrtos::layers
