// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/optim/muon.hpp>

#include "../support/orthogonal_factor.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

// Muon's step against singular values in double, on vectors that lie on ranks in every way.

namespace kyrtos::testing::muon {

using Scalar = KYRTOS_TEST_SCALAR;
using Scale = optim::MuonOptions::Scale;
inline constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();

/// Tall, wide, square, of rank 2, and one that gets no gradient; numbers that are none of them
/// before, between and after.
inline std::vector<parallel::MatrixRange> const matrices{
    {5, 20, 6}, {125, 4, 15}, {185, 8, 8}, {260, 9, 7}, {323, 5, 5}};
inline std::vector<ParameterLayout::Range> const parts{{0, 130 + 55}, {185, 75}, {260, 100}};
constexpr Index size = 360;

/// The gradient of step t.
inline Numbers gradient_of(int t) {
  auto g = random_numbers<Scalar>(size, 40 + static_cast<std::uint64_t>(t), 0.3);
  auto const low = random_matrix<Scalar>(9, 7, 2, 100);  // the same space at each step
  for (std::size_t i = 0; i < 63; ++i) g[260 + i] = low[i] / t;
  for (std::size_t i = 0; i < 25; ++i) g[323 + i] = 0;
  return g;
}

/// The whole of a vector of which each rank has its slices.
inline Numbers gathered(Context<Space> const& context, Partition const& partition,
                        Vector<Scalar, Space> const& local) {
  auto const own = on_host(local);
  if (!partition.is_split()) return own;
  Numbers whole(size, 0.0);
  for (auto const& s : partition.slices({0, size}))
    std::copy_n(own.begin() + s.local, s.size, whole.begin() + s.offset);
  context.communicator().sum(std::span<double>(whole));
  return whole;
}

struct Reference {
  optim::MuonOptions o;
  optim::AdamWOptions adamw;
  Numbers x, m = Numbers(size, 0.0), v = Numbers(size, 0.0);
  double slope = 0;

  void step(Numbers const& g, int t, double rate) {
    slope = 0;
    std::vector<bool> is_matrix(size, false);
    double const shrink = 1 - rate * adamw.weight_decay;
    for (auto const& a : matrices) {
      auto const first = static_cast<std::size_t>(a.offset), n = static_cast<std::size_t>(a.size());
      Numbers d(n);
      for (std::size_t i = 0; i < n; ++i) {
        double& mi = m[first + i];
        mi = o.momentum * mi + g[first + i];
        d[i] = o.nesterov ? g[first + i] + o.momentum * mi : mi;
        is_matrix[first + i] = true;
      }
      auto const factor = newton_schulz(d, a.rows, a.columns, linalg::muon_steps());
      double const rows = static_cast<double>(a.rows), columns = static_cast<double>(a.columns);
      double const s = o.scale == Scale::rms ? 0.2 * std::sqrt(std::max(rows, columns))
                                             : std::sqrt(std::max(1.0, rows / columns));
      for (std::size_t i = 0; i < n; ++i) {
        x[first + i] = shrink * x[first + i] - rate * s * factor[i];
        slope += (1 - o.momentum) * s * factor[i] * m[first + i];
      }
    }
    double const slow = o.adamw_rate * rate;
    for (std::size_t i = 0; i < static_cast<std::size_t>(size); ++i) {
      if (is_matrix[i]) continue;
      m[i] = adamw.beta1 * m[i] + (1 - adamw.beta1) * g[i];
      v[i] = adamw.beta2 * v[i] + (1 - adamw.beta2) * g[i] * g[i];
      x[i] = (1 - slow * adamw.weight_decay) * x[i] -
             slow * m[i] / (1 - std::pow(adamw.beta1, t)) /
                 (std::sqrt(v[i] / (1 - std::pow(adamw.beta2, t))) + adamw.epsilon);
    }
  }
};

TEST_CASE("Muon is its formula on any number of ranks, with vectors whole or split", "[muon]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const& ranks = context.communicator();
  bool const is_split = GENERATE(false, true);
  optim::MuonOptions const o{.momentum = 0.8,
                             .nesterov = GENERATE(true, false),
                             .scale = GENERATE(Scale::rms, Scale::spectral),
                             .adamw_rate = 0.5};
  optim::AdamWOptions const adamw{.beta1 = 0.7, .beta2 = 0.8, .epsilon = 1e-3, .weight_decay = 0.3};
  Partition const partition =
      is_split ? Partition(parts, ranks.rank(), ranks.size()) : Partition(size);
  auto const local_of = [&](Numbers const& whole) {
    Numbers local(static_cast<std::size_t>(partition.local_size()), 0.0);
    for (auto const& s : partition.slices({0, size}))
      std::copy_n(whole.begin() + s.offset, s.size, local.begin() + s.local);
    return on_device<Scalar>(local);
  };
  std::vector<optim::ParameterRange> ranges;
  for (auto const& s : partition.slices({0, size})) ranges.push_back({s.local, s.size, true});
  optim::Muon<Scalar, Space> muon(context, ranges, matrices, {partition, {{0, size}}}, adamw, o);
  Reference reference{o, adamw, random_numbers<Scalar>(size, 1)};
  auto const theta = local_of(reference.x);
  for (int t = 1; t <= 3; ++t) {
    auto const g = gradient_of(t);
    muon.update(context, theta, local_of(g), 0.1, 1);
    reference.step(g, t, 0.1);
  }
  context.fence("test");
  auto const found = gathered(context, partition, theta);
  double gap = 0;
  for (std::size_t i = 0; i < found.size(); ++i)
    gap = std::max(gap, std::abs(found[i] - reference.x[i]));
  CHECK(gap < 3000 * epsilon);
  CHECK(std::abs(muon.slope(context) / reference.slope - 1) < 3000 * epsilon);
}

TEST_CASE("Muon moves nothing outside its ranges, and refuses options out of range", "[muon]") {
  Context<Space> const context(MPI_COMM_SELF);
  using Muon = optim::Muon<Scalar, Space>;
  optim::Tensors const tensors{size, {{0, size}}};
  // The last two matrices belong to a block that takes no part.
  Muon muon(context, {{0, 260, true}}, matrices, tensors);
  auto const before = random_numbers<Scalar>(size, 1);
  auto const theta = on_device<Scalar>(before);
  muon.update(context, theta, on_device<Scalar>(gradient_of(1)), 0.1);
  auto const after = on_host(theta);
  CHECK(std::equal(before.begin() + 260, before.end(), after.begin() + 260));
  for (std::size_t i = 0; i < 260; ++i) CHECK(after[i] != before[i]);
  CHECK_THROWS_AS(Muon(context, {}, matrices, tensors, {}, {.momentum = 1}), ConfigError);
  CHECK_THROWS_AS(Muon(context, {}, matrices, tensors, {.beta1 = 1}), ConfigError);
}

}  // namespace kyrtos::testing::muon
