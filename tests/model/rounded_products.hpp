// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../support/rounded_products.hpp"
#include "model_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators_range.hpp>

// Whole models with products of rounded factors against the same in float32, and symmetry.

namespace kyrtos::testing {

/// Roundings of relative size u/2 in the mean, in layer after layer of models whose random weights
/// are large. Second derivatives feel them more, and scatter: with 8 to 16 bits dropped, an HVP of
/// the small Llama was off by 5 to 31 u.
struct Tolerances {
  double first_order, second_order, least;  ///< `least`: they are of another precision.
};

inline Tolerances tolerances_of(linalg::FactorFormat format) {
  if (format == linalg::FactorFormat::bfloat16) return {0.05, 0.1, 1e-4};
  return {0.05 / 8, 0.15 / 8, 1e-4 / 8};
}

inline double relative_distance(Numbers const& a, Numbers const& b) {
  return distance(a, b) / norm(b);
}

TEST_CASE("rounded: gradients and products are those of float32, to the format's digits",
          "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  auto const tolerances = tolerances_of(format);
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<float> run(config);
    auto const u = run.random_direction(41);
    auto const exact = run.gradient_and_hvp(u);
    auto const gauss_newton = run.gauss_newton(u);
    run.context = rounding_context(run.context, format);
    auto const rounded = run.gradient_and_hvp(u);
    CHECK(std::abs(rounded.loss / exact.loss - 1) < tolerances.first_order);
    CHECK(relative_distance(rounded.gradient, exact.gradient) < tolerances.first_order);
    for (double const error : {relative_distance(rounded.hu, exact.hu),
                               relative_distance(run.gauss_newton(u), gauss_newton)}) {
      CHECK(error < tolerances.second_order);
      CHECK(error > tolerances.least);
    }
    CHECK(run.gradient_and_hvp(u) == rounded);  // bit by bit
  }
}

TEST_CASE("rounded: ⟨v, Hw⟩ = ⟨w, Hv⟩ to the format's digits", "[rounded]") {
  auto const format = GENERATE(from_range(available_formats()));
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<float> run(config);
    run.context = rounding_context(run.context, format);
    auto const v = run.random_direction(42), w = run.random_direction(43);
    auto const hv = run.hvp(v).hu, hw = run.hvp(w).hu;
    double const size = norm(v) * norm(hw);
    CHECK(std::abs(dot(v, hw) - dot(w, hv)) <= tolerances_of(format).second_order * size);
  }
}

}  // namespace kyrtos::testing
