// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/growth/new_block.hpp>
#include <kyrtos/optim/adamw.hpp>

#include "../model/model_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

// How fast the Jacobian J = ∂y/∂x of a block that joins leaves the identity, in the first steps of
// training: what the ways of entering differ in ("Taming Curvature", arXiv 2606.16768).

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;
using Entry = growth::GrowthConfig::Entry;

/// ‖J − I‖_F/√n of block `i` at a random stream x, from products with random vectors.
double distance_from_identity(ModelRun<Scalar> const& run, Index i) {
  using Number = Dual<double>;
  auto const [offset, size] = run.model.block_range(i);
  std::vector<Number> const theta(run.theta.begin() + offset, run.theta.begin() + offset + size);
  auto const n = static_cast<std::size_t>(run.shape.tokens() * run.model.config().width);
  auto const x = random_numbers<double>(n, 21);
  constexpr std::uint64_t vectors = 8;
  double sum = 0;
  for (std::uint64_t k = 0; k < vectors; ++k) {
    auto const v = random_numbers<double>(n, 30 + k);
    std::vector<Number> along;
    for (std::size_t j = 0; j < n; ++j) along.emplace_back(x[j], v[j]);
    auto const y = run.reference.block(along, theta);
    double moved = 0, length = 0;
    for (std::size_t j = 0; j < n; ++j) {
      moved += std::pow(y[j].tangent - v[j], 2);
      length += v[j] * v[j];
    }
    sum += moved / length;
  }
  return std::sqrt(sum / vectors);
}

/// Of the second of two blocks, before each of the steps that follow its entry, and after them.
std::vector<double> first_steps(growth::GrowthConfig const& growth, int steps) {
  auto config = small(model::llama_config());
  config.width = 24;
  config.initial_scale = 0.2;  // matrices of norm one at this width
  config.gated = growth.entry == Entry::gate;
  ModelRun<Scalar> run(config);
  auto const theta = run.zeros();
  run.model.initialize(run.context, 3, theta);
  growth::enter_block<Scalar, Space>(run.context, run.model, growth, 1, 0, 5, theta);
  optim::AdamW<Scalar, Space> adam(run.context, run.model.layout().size(),
                                   optim::ranges_of(run.model.layout()));
  std::vector<double> distances;
  for (int step = 0;; ++step) {
    if (growth.entry == Entry::gate)
      growth::set_gate<Scalar, Space>(run.context, run.model, 1, static_cast<double>(step) / steps,
                                      theta);
    run.theta = on_host(theta);
    distances.push_back(distance_from_identity(run, 1));
    if (step == steps) return distances;
    adam.update(run.context, theta, on_device<Scalar>(run.gradient().gradient), 1e-2);
  }
}

struct Way {
  std::string name;
  growth::GrowthConfig growth;
};

std::vector<Way> ways() {
  return {{"zeros, no seed", {.entry = Entry::zeros, .seed_scale = 0}},
          {"zeros, seed 0.01", {.entry = Entry::zeros, .seed_scale = 0.01}},
          {"zeros, seed 0.1", {.entry = Entry::zeros, .seed_scale = 0.1}},
          {"projections", {.entry = Entry::projections}},
          {"gate", {.entry = Entry::gate}}};
}

TEST_CASE("how far a new block's Jacobian is from the identity", "[block_jacobian]") {
  constexpr int steps = 4;
  auto const still = first_steps(ways()[0].growth, steps);
  for (double const d : still) CHECK(d == 0);  // a stationary point
  auto const small_seed = first_steps(ways()[1].growth, steps),
             seeded = first_steps(ways()[2].growth, steps),
             projections = first_steps(ways()[3].growth, steps),
             gate = first_steps(ways()[4].growth, steps);
  // Two factors of a branch carry the seed: a tenth of it is a hundredth of their product.
  CHECK(std::abs(std::log10(seeded[0] / small_seed[0]) - 2) < 0.1);
  CHECK(projections[0] == 0);
  CHECK(gate[0] == 0);
  // The factor beside a projection is large when the rest is ordinary, small when it is zero: the
  // same steps move the Jacobian by more.
  CHECK(projections[1] > 4 * (seeded[1] - seeded[0]));
  CHECK(projections[1] > 4 * (small_seed[1] - small_seed[0]));
  for (std::size_t k = 1; k <= steps; ++k) CHECK(gate[k] > gate[k - 1]);
}

TEST_CASE("the table in docs/results/growth.md", "[.table]") {
  constexpr int steps = 8;
  for (auto const& [name, growth] : ways()) {
    std::printf("| %-16s |", name.c_str());
    for (double const d : first_steps(growth, steps)) std::printf(" %.1e |", d);
    std::printf("\n");
  }
}

}  // namespace kyrtos::testing
