// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../support/bf16.hpp"
#include "model_run.hpp"

#include <catch2/catch_test_macros.hpp>

// Whole models with products in bfloat16 against the same in float32, and symmetry.

namespace kyrtos::testing {

/// Roundings of relative size 2⁻⁹ in the mean, in layer after layer of models whose random weights
/// are large; second derivatives feel them about twice.
inline constexpr double first_order = 0.05, second_order = 0.1;

inline double relative_distance(Numbers const& a, Numbers const& b) {
  return distance(a, b) / norm(b);
}

TEST_CASE("bf16: gradients and products are those of float32, to bfloat16's digits", "[bf16]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<float> run(config);
    auto const u = run.random_direction(41);
    auto const exact = run.gradient_and_hvp(u);
    auto const gauss_newton = run.gauss_newton(u);
    run.context = with_bf16_or_skip(run.context);
    auto const rounded = run.gradient_and_hvp(u);
    CHECK(std::abs(rounded.loss / exact.loss - 1) < first_order);
    CHECK(relative_distance(rounded.gradient, exact.gradient) < first_order);
    for (double const error : {relative_distance(rounded.hu, exact.hu),
                               relative_distance(run.gauss_newton(u), gauss_newton)}) {
      CHECK(error < second_order);
      CHECK(error > 1e-4);  // they are of another precision
    }
    CHECK(run.gradient_and_hvp(u) == rounded);  // bit by bit
  }
}

TEST_CASE("bf16: ⟨v, Hw⟩ = ⟨w, Hv⟩ to bfloat16's digits", "[bf16]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<float> run(config);
    run.context = with_bf16_or_skip(run.context);
    auto const v = run.random_direction(42), w = run.random_direction(43);
    auto const hv = run.hvp(v).hu, hw = run.hvp(w).hu;
    double const size = norm(v) * norm(hw);
    CHECK(std::abs(dot(v, hw) - dot(w, hv)) <= second_order * size);
  }
}

}  // namespace kyrtos::testing
