// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/batch_file.hpp>
#include <kyrtos/train/run_record.hpp>
#include <kyrtos/train/run_training.hpp>

#include "../../src/train/flight_recorder.hpp"
#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <fmt/format.h>
#include <fstream>

// What is written at an alarm: states from which the run can be taken again to the last bit, and
// the tokens of the steps between.

namespace kyrtos::testing::flight_recorder {

using Scalar = KYRTOS_TEST_SCALAR;

/// Hears of alarms, and of what was written.
struct Listener : train::RunObserver {
  std::vector<std::string> recordings, faults;
  void recorded(std::string const& directory) override { recordings.push_back(directory); }
  void failed_to_write(std::string const& why) override { faults.push_back(why); }
};

TEST_CASE("an alarm is a loss, a gradient or a sharpness beyond its limit", "[recorder]") {
  using Recorder = train::FlightRecorder<Scalar, Space>;
  train::RecorderConfig const limits{.states = 1, .ratio = 2, .z_score = 6};
  train::StepReport report;
  report.loss_z = 5;
  report.gradient_z = -20;  // a fall is none
  CHECK(Recorder::reason_of(report, limits).empty());
  report.loss_z = 6.5;
  CHECK(Recorder::reason_of(report, limits).starts_with("loss 6.5"));
  report.gradient_z = 7;
  CHECK(Recorder::reason_of(report, limits).starts_with("gradient norm 7"));
  report.loss_z = report.gradient_z = 0;
  report.sharpness.emplace().threshold_ratio = 1.9;
  CHECK(Recorder::reason_of(report, limits).empty());
  report.sharpness->threshold_ratio = 2.5;
  CHECK(Recorder::reason_of(report, limits).starts_with("sharpness 2.5"));
  CHECK(Recorder::reason_of(report, {.ratio = 0, .z_score = 6}).empty());
  report.sharpness.reset();
  report.update = {.slope = -1, .curvature = 6, .actual = 0};  // 6/(2·1) = 3
  CHECK(Recorder::reason_of(report, limits).starts_with("directional sharpness 3"));
}

TEST_CASE("from a recorded state the run takes the same steps", "[recorder]") {
  auto const shard = GENERATE(as<std::string>(), "none", "full");
  // Plain gradient descent at a rate that diverges after some steps.
  TinyRun run({"optimizer.name=sgd", "schedule.peak=1e4", "schedule.warmup_steps=20",
               "training.clip_norm=0", "recorder.states=2", "recorder.every=2",
               "recorder.z_score=0", "parallel.shard=" + shard, "training.evaluate_every=0",
               "curvature.enabled=false"});
  Listener listener;
  auto const result = train::run_training<Scalar>(run.context, run.config, {}, listener);
  REQUIRE(result.end == train::RunResult::End::diverged);
  REQUIRE(result.steps > 3);
  auto const directory = run.directory / "run/recorder";
  CHECK(listener.recordings == std::vector<std::string>{directory});
  CHECK(listener.faults.empty());
  auto const files = io::list_checkpoints(directory);
  REQUIRE(files.size() == 2);

  auto const losses = train::read_run(run.directory / "run");
  train::Run<Scalar, Space> again(run.context, run.config);
  again.restore(io::CheckpointReader(run.context.communicator(), files.back()));
  Index const first = again.steps_done();
  CHECK(first < result.steps);
  while (again.steps_done() < result.steps) {
    auto const report = again.step();
    CHECK(report.loss == losses[static_cast<std::size_t>(report.step - 1)].loss);
  }
  CHECK_THROWS_AS(again.step(), NumericalError);

  for (Index step = first + 1; step <= result.steps + 1; ++step) {
    auto const stored = io::read_batch_file(run.context.communicator(),
                                            directory + fmt::format("/batch-{:08}.h5", step),
                                            run.config.model.vocabulary);
    auto const wanted = again.batch_of(step);
    CHECK(stored.inputs == wanted.inputs);
    CHECK(stored.targets == wanted.targets);
  }
}

TEST_CASE("a run writes no more alarms than it may", "[recorder]") {
  TinyRun run({"training.steps=12", "recorder.states=1", "recorder.every=1", "recorder.ratio=1e-12",
               "recorder.alarms=3", "training.evaluate_every=0"});
  Listener listener;
  train::run_training<Scalar>(run.context, run.config, {}, listener);
  CHECK(listener.recordings.size() == 3);
  int lines = 0;
  std::ifstream file(run.directory / "run/recorder/alarms.jsonl");
  for (std::string line; std::getline(file, line);) ++lines;
  CHECK(lines == 3);
}

}  // namespace kyrtos::testing::flight_recorder
