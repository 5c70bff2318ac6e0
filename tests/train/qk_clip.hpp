// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/qk_clip.hpp>
#include <kyrtos/train/run.hpp>

#include "../model/model_run.hpp"
#include "tiny_run.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <limits>

// QK-Clip: heads that passed the bound meet it, to rounding; all others stay as they are.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;

/// Largest scores of a forward pass.
inline Numbers scores_of(ModelRun<Scalar> const& run, VectorView<Scalar, Space> theta,
                         bool recompute = false) {
  Context<Space> const context(MPI_COMM_SELF);
  model::TransformerWorkspace<Scalar, Space> workspace(context, run.model, run.shape,
                                                       {.recompute = recompute, .scores = true});
  auto const gradient = on_device<Scalar>(run.random_direction(9));
  run.model.gradient(workspace, theta, run.batch, gradient);
  return workspace.largest_scores();
}

TEST_CASE("clipped heads meet the bound, others keep their scores", "[qk_clip]") {
  auto const positions = GENERATE(model::Positions::learned, model::Positions::rotary);
  bool const bias = GENERATE(true, false);
  auto config = small(model::gpt2_config());
  config.positions = positions;
  config.bias = bias;
  config.depth = 1;  // a second block would see another input
  config.heads = 4;
  config.kv_heads = 2;
  config.head_size = 4;
  ModelRun<Scalar> const run(config);
  auto const theta = on_device<Scalar>(run.theta);
  Numbers const before = scores_of(run, theta);
  Numbers sorted = before;
  std::sort(sorted.begin(), sorted.end());
  REQUIRE(sorted[2] > 0);
  double const bound = 0.5 * (std::max(sorted[1], 0.0) + sorted[2]);  // two or more pass it

  Context<Space> const context(MPI_COMM_SELF);
  Index const clipped =
      train::clip_attention_scores<Scalar, Space>(context, run.model, before, bound, theta);
  context.fence("test");
  CHECK(clipped ==
        std::count_if(before.begin(), before.end(), [&](double s) { return s > bound; }));
  Numbers expected = before;
  for (double& score : expected) score = std::min(score, bound);
  CHECK(near(scores_of(run, theta), expected, 100 * std::numeric_limits<Scalar>::epsilon()));
}

TEST_CASE("scores below the bound change nothing, and recomputation not the scores", "[qk_clip]") {
  ModelRun<Scalar> const run(small(model::llama_config()));
  auto const theta = on_device<Scalar>(run.theta);
  Numbers const before = scores_of(run, theta);
  CHECK(scores_of(run, theta, true) == before);
  Context<Space> const context(MPI_COMM_SELF);
  double const above = 2 * *std::max_element(before.begin(), before.end());
  CHECK(train::clip_attention_scores<Scalar, Space>(context, run.model, before, above, theta) == 0);
  CHECK(on_host(theta) == run.theta);
}

TEST_CASE("blocks that take no part have no score and are not clipped", "[qk_clip]") {
  ModelRun<Scalar> const run(small(model::gpt2_config()));
  Context<Space> const context(MPI_COMM_SELF);
  model::TransformerWorkspace<Scalar, Space> workspace(context, run.model, run.shape,
                                                       {.active = {true, false}, .scores = true});
  auto const theta = on_device<Scalar>(run.theta);
  run.model.loss(workspace, theta, run.batch);
  auto const scores = workspace.largest_scores();
  REQUIRE(scores.size() == 4);
  CHECK(std::isfinite(scores[1]));
  CHECK(scores[2] == -std::numeric_limits<double>::infinity());
  CHECK(train::clip_attention_scores<Scalar, Space>(context, run.model, scores, 1e-9, theta) <= 2);
}

TEST_CASE("batches of weight 0 have no score", "[qk_clip]") {
  ModelRun<Scalar> const run(small(model::gpt2_config()));
  Context<Space> const context(MPI_COMM_SELF);
  model::TransformerWorkspace<Scalar, Space> workspace(context, run.model, run.shape,
                                                       {.scores = true});
  auto const theta = on_device<Scalar>(run.theta);
  auto filler = run.batch;
  filler.weight = 0;
  auto const gradient = on_device<Scalar>(run.random_direction(9));
  run.model.gradient(workspace, theta, filler, gradient);
  for (double const score : workspace.largest_scores())
    CHECK(score == -std::numeric_limits<double>::infinity());
  run.model.gradient(workspace, theta, run.batch, gradient);
  CHECK(workspace.largest_scores() == scores_of(run, theta));
}

TEST_CASE("a run records its largest logit and keeps it near the bound", "[qk_clip]") {
  auto const largest = [](std::string const& bound) {
    TinyRun run({"schedule.peak=3e-2", "model.positions=rotary", "curvature.enabled=false",
                 "training.qk_clip=" + bound});
    train::Run<Scalar, Space> trainer(run.context, run.config);
    Index clipped = 0;
    double last = 0;
    for (int i = 0; i < 30; ++i) {
      auto const report = trainer.step();
      clipped += report.clipped_heads;
      last = report.largest_logit.value();
    }
    return std::pair(last, clipped);
  };
  auto const [free, none] = largest("0");
  auto const [held, some] = largest("0.5");
  CHECK(none == 0);
  CHECK(some > 0);
  CHECK(held < 1);
  CHECK(free > 2 * held);
}

}  // namespace kyrtos::testing
