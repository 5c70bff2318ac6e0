// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/model/transformer.hpp>

#include "model_run.hpp"

#include <catch2/catch_test_macros.hpp>

// Models with blocked attention: the gradients and products of streamed attention, symmetric
// products, Taylor remainders.

namespace kyrtos::testing {

using layers::AttentionMethod;

/// Sequences of more than one block of queries.
inline constexpr SequenceShape two_blocks{1, 150};

inline std::vector<NamedConfig> models_with_long_context() {
  std::vector<NamedConfig> models;
  for (auto const* const wanted : {"GPT-2", "grouped heads, tied", "QK norm, soft cap", "window"})
    for (auto [name, config] : small_models())
      if (name == wanted) {
        config.context = two_blocks.length;
        if (config.attention_window > 0) config.attention_window = 40;
        models.push_back({name, config});
      }
  return models;
}

inline ModelRun<double> blocked_run(model::TransformerConfig const& config) {
  return ModelRun<double>(config, two_blocks, {}, AttentionMethod::blocked);
}

TEST_CASE("blocked attention: a model's gradients and products are those of streamed attention",
          "[attention]") {
  for (auto const& [name, config] : models_with_long_context()) {
    INFO(name);
    auto const run = blocked_run(config);
    ModelRun<double> const streamed(config, two_blocks, {}, AttentionMethod::streamed);
    auto const u = run.random_direction(41);
    auto const found = run.gradient_and_hvp(u), wanted = streamed.gradient_and_hvp(u);
    CHECK(near(found.loss, wanted.loss, 1e-12));
    CHECK(near(found.gradient, wanted.gradient, 1e-11));
    CHECK(near(found.hu, wanted.hu, 1e-11));
    CHECK(run.gradient_and_hvp(u) == found);  // bit by bit
  }
}

TEST_CASE("blocked attention: ⟨v, Hw⟩ = ⟨w, Hv⟩", "[attention]") {
  for (auto const& [name, config] : models_with_long_context()) {
    INFO(name);
    auto const run = blocked_run(config);
    auto const v = run.random_direction(32), w = run.random_direction(33);
    auto const hv = run.hvp(v).hu, hw = run.hvp(w).hu;
    CHECK(std::abs(dot(v, hw) - dot(w, hv)) <= 1e-12 * norm(v) * norm(hw));
  }
}

TEST_CASE("blocked attention: Taylor remainders vanish with the square of the step",
          "[attention]") {
  for (auto const& [name, config] : models_with_long_context()) {
    INFO(name);
    auto run = blocked_run(config);
    auto direction = run.random_direction(36);
    double const length = norm(direction);
    for (double& d : direction) d /= length;
    auto const here = run.gradient_and_hvp(direction);
    Numbers const theta = run.theta;
    double loss[2], gradient[2];
    for (int k = 0; k < 2; ++k) {
      double const step = k == 0 ? 1e-2 : 1e-3;
      run.theta = plus(theta, step, direction);
      auto const there = run.gradient();
      loss[k] = std::abs(there.loss - here.loss - step * here.derivative);
      gradient[k] = norm(plus(plus(there.gradient, -1, here.gradient), -step, here.hu));
    }
    CHECK(std::log10(loss[0] / loss[1]) > 1.9);
    CHECK(std::log10(gradient[0] / gradient[1]) > 1.9);
  }
}

}  // namespace kyrtos::testing
