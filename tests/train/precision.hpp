// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/run.hpp>

#include "../support/kokkos_watch.hpp"
#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>

// training.precision = "bf16" or "tf32": trains as float32 does, and measures the same curvature.

namespace kyrtos::testing {

TEST_CASE("rounded: the sharpness of a trained model is that of float32 to two percent",
          "[rounded]") {
  auto const precision = GENERATE(from_range(rounded_precisions()));
  auto const matrix = GENERATE(as<std::string>(), "preconditioned", "hessian", "gauss_newton");
  TinyRun run({"model.width=32", "curvature.matrix=" + matrix, "curvature.reference_every=1000"});
  train::Run<float, Space> trained(run.context, run.config);
  while (!trained.is_finished()) trained.step();
  trained.save(run.directory / "trained.h5");
  auto const sharpness = [&](train::Precision of) {
    auto config = run.config;
    config.training.precision = of;
    train::Run<float, Space> trainer(run.context, config);
    trainer.restore(io::CheckpointReader(run.context.communicator(), run.directory / "trained.h5"),
                    {"training.precision"});
    return trainer.probe()->reference(trainer.steps_done());
  };
  auto const exact = sharpness(train::Precision::float32), rounded = sharpness(precision);
  REQUIRE(exact);
  REQUIRE(rounded);
  INFO(matrix << ": " << *exact << ", " << name_of(precision) << " " << *rounded);
  CHECK(std::abs(*rounded / *exact - 1) < 0.02);
  CHECK(*rounded != *exact);
}

TEST_CASE("rounded: training lowers the loss as in float32, and follows the sharpness",
          "[rounded]") {
  auto const precision = GENERATE(from_range(rounded_precisions()));
  TinyRun run({"training.steps=60"});
  auto const last = [&](train::Precision of) {
    auto config = run.config;
    config.training.precision = of;
    train::Run<float, Space> trainer(run.context, config);
    train::StepReport report;
    while (!trainer.is_finished()) report = trainer.step();
    return report;
  };
  auto const exact = last(train::Precision::float32), rounded = last(precision);
  CHECK(std::abs(rounded.loss / exact.loss - 1) < 0.02);
  REQUIRE(rounded.sharpness->lambda);
  CHECK(std::abs(*rounded.sharpness->lambda / *exact.sharpness->lambda - 1) < 0.1);
}

TEST_CASE("rounded: a step allocates nothing once it is under way", "[rounded]") {
  TinyRun run({"training.precision=" + name_of(GENERATE(from_range(rounded_precisions())))});
  train::Run<float, Space> trainer(run.context, run.config);
  trainer.step();
  CHECK(KokkosWatch::during([&] { trainer.step(); }).allocations.empty());
}

}  // namespace kyrtos::testing
