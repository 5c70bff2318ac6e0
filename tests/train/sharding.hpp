// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/run.hpp>

#include "support/scalar.hpp"
#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

// The same run on one rank and on several, whatever lies in pieces on them.

namespace kyrtos::testing::sharding {

using Strings = std::vector<std::string>;

inline Strings const growing{"training.steps=50",
                             "growth.initial_depth=1",
                             "growth.when=steps",
                             "growth.start=10",
                             "growth.every=10",
                             "growth.groups=2",
                             "model.depth=3",
                             "curvature.max_hvps=2",
                             "training.batch=6",
                             "optimizer.beta2=0.95",
                             "curvature.target_residual=0.3"};

inline Strings with(Strings all, Strings const& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

inline std::vector<train::StepReport> take_all_steps(train::Run<Scalar, Space>& trainer) {
  std::vector<train::StepReport> reports;
  while (!trainer.is_finished()) reports.push_back(trainer.step());
  return reports;
}

double constexpr tolerance = is_double ? 1e-12 : 1e-5;

inline void check_same(std::vector<train::StepReport> const& found,
                       std::vector<train::StepReport> const& wanted) {
  REQUIRE(found.size() == wanted.size());
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    INFO("step " << i);
    CHECK(found[i].active_depth == wanted[i].active_depth);
    CHECK(std::fabs(found[i].loss / wanted[i].loss - 1) < tolerance);
    auto const &a = *found[i].sharpness, &b = *wanted[i].sharpness;
    // Where rounding chooses, as at a target just reached, one more product is no error.
    if (is_double && a.lambda && b.lambda && a.hvps == b.hvps)
      CHECK(std::fabs(*a.lambda / *b.lambda - 1) < 1e-6);
  }
}

TEST_CASE("losses and sharpness are the same on any number of ranks in every shard mode",
          "[sharding]") {
  auto const extra = GENERATE(
      Strings{}, Strings{"model.tied=false", "curvature.block=2"},
      Strings{"training.micro_batch=1", "training.recompute=true", "parallel.reduction=ordered",
              "growth.entry=gate", "growth.ramp_steps=7"},
      Strings{"training.qk_clip=0.05", "schedule.cdat=0.5"},
      Strings{"optimizer.update_clipping=true", "optimizer.initial_second_moment=gradient",
              "optimizer.independent_decay=true", "optimizer.weight_decay=1e-3"},
      Strings{"optimizer.name=muon", "optimizer.update_clipping=true",
              "optimizer.beta2_exponent=0.8", "model.activation=swiglu"},
      Strings{"curvature.method=critical", "growth.where=stack", "growth.entry=projections"});
  TinyRun const whole(with(growing, extra));
  Context<Space> const alone(MPI_COMM_SELF);
  train::Run<Scalar, Space> one(alone, whole.config);
  auto const wanted = take_all_steps(one);
  CHECK(wanted.back().active_depth == 3);
  for (std::string const shard : {"none", "optimizer", "full"}) {
    INFO(shard << ", " << (extra.empty() ? "" : extra.front()));
    TinyRun const run(with(with(growing, extra), {"parallel.shard=" + shard}));
    train::Run<Scalar, Space> other(run.context, run.config);
    check_same(take_all_steps(other), wanted);
    CHECK(std::fabs(*other.validation_loss() / *one.validation_loss() - 1) < tolerance);
  }
}

TEST_CASE("a run with shards repeats itself bit by bit, and goes on in another mode",
          "[sharding]") {
  auto const shard = GENERATE(as<std::string>(), "optimizer", "full");
  auto const optimizer = "optimizer.name=" + GENERATE(as<std::string>(), "adamw", "muon");
  TinyRun run(with(growing, {"training.steps=24", optimizer, "parallel.shard=" + shard}));
  auto const losses = [](std::vector<train::StepReport> const& reports) {
    Numbers numbers;
    for (auto const& report : reports) numbers.push_back(report.loss);
    return numbers;
  };
  train::Run<Scalar, Space> one(run.context, run.config), two(run.context, run.config);
  auto const wanted = losses(take_all_steps(one));
  for (int i = 0; i < 12; ++i) CHECK(two.step().loss == wanted[static_cast<std::size_t>(i)]);
  auto const file = run.directory / "state.h5";
  two.save(file);
  for (auto const& mode : {"none", "optimizer", "full"}) {
    TinyRun other(
        with(growing, {"training.steps=24", optimizer, "parallel.shard=" + std::string(mode)}));
    other.config.data = run.config.data;
    train::Run<Scalar, Space> resumed(other.context, other.config);
    resumed.restore(io::CheckpointReader(other.context.communicator(), file));
    auto const found = losses(take_all_steps(resumed));
    REQUIRE(found.size() == 12);
    for (std::size_t i = 0; i < 12; ++i) {
      INFO("from " << shard << " to " << mode << ", step " << 12 + i);
      if (mode == shard)
        CHECK(found[i] == wanted[12 + i]);
      else
        CHECK(std::fabs(found[i] / wanted[12 + i] - 1) < 50 * rounding<Scalar>());
    }
  }
}

}  // namespace kyrtos::testing::sharding
