// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/model/transformer.hpp>
#include <kyrtos/train/run_record.hpp>
#include <kyrtos/train/run_training.hpp>

#include "../support/file_size_limit.hpp"
#include "listener.hpp"

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <filesystem>
#include <limits>
#include <optional>

// Runs in their directories: what they leave, how they stop, and how they go on.

namespace kyrtos::testing {

namespace fs = std::filesystem;

TEST_CASE("a run leaves its configuration, its record and its last checkpoints", "[run]") {
  TinyRun run({"output.checkpoint_every=7", "output.keep_checkpoints=2"});
  Listener heard;
  auto const result = execute(run, heard);
  CHECK(result.end == train::RunResult::End::finished);
  CHECK(result.steps == 30);
  CHECK(heard.steps.size() == 30);
  CHECK(heard.saves.size() == 5);  // after 7, 14, 21, 28 and 30
  CHECK(heard.plan.first_step == 0);
  CHECK(heard.plan.parameters > 1000);

  auto const& directory = run.config.output.directory;
  run.context.communicator().barrier();
  auto const kept = io::list_checkpoints(directory + "/checkpoints");
  REQUIRE(kept.size() == 2);
  CHECK(kept[0] == io::checkpoint_path(directory + "/checkpoints", 30));
  CHECK(kept[1] == io::checkpoint_path(directory + "/checkpoints", 28));
  CHECK(train::find_checkpoint(directory) == kept[0]);
  CHECK(train::find_checkpoint(kept[1]) == kept[1]);
  CHECK_NOTHROW(io::verify_checkpoint(run.context.communicator(), kept[0]));

  auto const again = train::load_config(directory + "/config.toml");
  CHECK(train::to_toml(again) == train::to_toml(run.config));
  for (auto const& file : {directory + "/run.h5", directory + "/metrics.jsonl"}) {
    auto const record = train::read_run(file);
    REQUIRE(record.size() == 30);
    for (std::size_t i = 0; i < 30; ++i) {
      CHECK(record[i].loss == heard.steps[i].loss);
      CHECK(record[i].sharpness->lambda == heard.steps[i].sharpness->lambda);
      CHECK(record[i].validation_loss.has_value() == ((i + 1) % 10 == 0));
    }
  }
}

TEST_CASE("the best state stays, also when later ones are worse", "[run]") {
  // A step size that grows until training is undone; the run is cut in two on the way.
  TinyRun run({"output.keep_best=true", "output.keep_checkpoints=1", "training.evaluate_every=3",
               "schedule.peak=20", "schedule.warmup_steps=30", "training.clip_norm=0",
               "curvature.enabled=false"});
  Listener heard;
  run.config.training.steps = 16;
  execute(run, heard);
  run.config.training.steps = 30;
  execute(run, heard, {.resume = train::Resume::must});
  Index best = 0;
  double lowest = std::numeric_limits<double>::infinity();
  for (auto const& report : heard.steps)
    if (report.validation_loss && *report.validation_loss < lowest) {
      lowest = *report.validation_loss;
      best = report.step;
    }
  CHECK(best > 0);
  CHECK(best < 30);  // otherwise this shows nothing
  run.context.communicator().barrier();
  auto const directory = run.config.output.directory + "/checkpoints";
  io::CheckpointReader const kept(run.context.communicator(), directory + "/best.h5");
  CHECK(kept.text().state.find("\"step\":" + std::to_string(best) + ",") != std::string::npos);
  CHECK_NOTHROW(io::verify_checkpoint(run.context.communicator(), directory + "/best.h5"));
  CHECK(io::list_checkpoints(directory).size() == 1);
}

TEST_CASE("files in its directory stop a run and make it save", "[run]") {
  TinyRun run;
  auto const& directory = run.config.output.directory;
  Listener heard;
  auto const touch = [&](char const* name) {
    if (run.context.communicator().is_root()) std::ofstream(directory + "/" + name);
  };
  heard.then = [&](train::StepReport const& report) {
    if (report.step == 5) touch("checkpoint_now");
    if (report.step == 9) touch("stop");
  };
  auto const result = execute(run, heard);
  CHECK(result.end == train::RunResult::End::stopped);
  CHECK(result.steps == 9);
  CHECK(heard.saves == std::vector{io::checkpoint_path(directory + "/checkpoints", 5),
                                   io::checkpoint_path(directory + "/checkpoints", 9)});
  CHECK_FALSE(fs::exists(directory + "/stop"));
  CHECK_FALSE(fs::exists(directory + "/checkpoint_now"));
}

inline void check_same_record(TinyRun const& run, TinyRun const& other) {
  auto const a = train::read_run(run.config.output.directory + "/metrics.jsonl"),
             b = train::read_run(other.config.output.directory + "/metrics.jsonl");
  REQUIRE(b.size() == a.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    CHECK(b[i].step == a[i].step);
    CHECK(b[i].loss == a[i].loss);
    CHECK(b[i].validation_loss == a[i].validation_loss);
    CHECK(b[i].sharpness->lambda == a[i].sharpness->lambda);
  }
}

/// Asks the last rank to stop, the n-th time that it is asked.
struct StopAt {
  TinyRun const& run;
  int n, times = 0;
  train::RunOptions options() {
    return {.resume = train::Resume::if_there, .should_stop = [this] {
              auto const& ranks = run.context.communicator();
              return ++times >= n && ranks.rank() + 1 == ranks.size();
            }};
  }
};

TEST_CASE("stopped on any rank at any time and resumed, a run ends as if it had not been",
          "[run]") {
  TinyRun whole({"stop.patience=1000"}), parts({"stop.patience=1000"});
  Listener heard;
  execute(whole, heard);
  Index before = 0;
  for (int n : {1, 2, 4, 23, 17}) {  // at the start, in the first measurement, and later
    Listener part;
    StopAt stop{parts, n};
    auto const result = execute(parts, part, stop.options());
    CHECK(result.end == train::RunResult::End::interrupted);
    CHECK(part.plan.first_step == before);
    CHECK_NOTHROW(io::verify_checkpoint(parts.context.communicator(), result.checkpoint));
    before = result.steps;
  }
  CHECK(before > 10);
  Listener last;
  CHECK(execute(parts, last, {.resume = train::Resume::must}).end ==
        train::RunResult::End::finished);
  check_same_record(whole, parts);
}

TEST_CASE("a stop without patience cuts validation and measurements short", "[run]") {
  TinyRun evaluation(
      {"training.evaluation_batches=1000000", "stop.patience=0", "training.evaluate_every=1"}),
      tracker({"curvature.cold_hvps=1000000", "curvature.target_residual=0", "stop.patience=0"});
  for (TinyRun const* run : {&evaluation, &tracker}) {
    Listener heard;
    StopAt stop{*run, 25};
    auto const result = execute(*run, heard, stop.options());
    CHECK(result.end == train::RunResult::End::interrupted);
    CHECK(result.steps == 1);
    CHECK_FALSE(heard.steps.at(0).validation_loss);
    CHECK(heard.steps.at(0).sharpness->hvps < 30);
    CHECK_NOTHROW(io::verify_checkpoint(run->context.communicator(), result.checkpoint));
  }
}

TEST_CASE("a run stops in time for its limit or the end of its job", "[run]") {
  // A reserve of 30 s is kept.
  TinyRun limited({"training.steps=100000000", "stop.time_limit=31.5"}),
      in_job({"training.steps=100000000", "stop.time_limit=1000"}), late({"stop.time_limit=20"}),
      endless({"stop.time_limit=1e300"});
  Listener heard;
  CHECK(execute(limited, heard).end == train::RunResult::End::interrupted);
  CHECK(*heard.plan.seconds_left < 31.5);
  auto const end = std::chrono::system_clock::now() + std::chrono::milliseconds(31500);
  auto const result = execute(in_job, heard, {.job_end = end});
  CHECK(result.end == train::RunResult::End::interrupted);
  CHECK(result.reason.find("time limit") != std::string::npos);
  CHECK(std::chrono::system_clock::now() < end);
  CHECK(failure<ConfigError>([&] { execute(late, heard); }).find("stop.time_reserve") !=
        std::string::npos);
  CHECK(execute(endless, heard).end == train::RunResult::End::finished);
}

TEST_CASE("what can't be written for a while is written later", "[run]") {
  TinyRun whole, run({"output.checkpoint_every=7"});
  Listener heard, other;
  execute(whole, other);
  std::optional<FileSizeLimit> limit;
  heard.then = [&](train::StepReport const& report) {
    if (report.step == 5) limit.emplace(2000);
    if (report.step == 16) limit.reset();
  };
  auto const result = execute(run, heard);
  CHECK(result.end == train::RunResult::End::finished);
  REQUIRE(heard.faults.size() == 1);  // the same each time, and told once
  CHECK(heard.faults[0].find("metrics.jsonl") != std::string::npos);
  auto const& directory = run.config.output.directory;
  CHECK(heard.saves.front() == io::checkpoint_path(directory + "/checkpoints", 21));
  CHECK_NOTHROW(io::verify_checkpoint(run.context.communicator(), result.checkpoint));
  check_same_record(whole, run);
}

TEST_CASE("checkpoints written behind the steps are the same, and the run too", "[run]") {
  TinyRun before({"output.checkpoint_every=7"}),
      behind({"output.checkpoint_every=7", "output.asynchronous=true"});
  Listener heard, other;
  execute(before, other);
  execute(behind, heard);
  check_same_record(before, behind);
  CHECK(heard.saves.size() == 5);
  auto const& ranks = behind.context.communicator();
  ranks.barrier();
  for (Index const step : {28, 30}) {
    auto const vectors_of = [&](TinyRun const& run) {
      auto const directory = run.config.output.directory + "/checkpoints";
      io::CheckpointReader const reader(ranks, io::checkpoint_path(directory, step));
      model::Transformer<float, Space> const model(run.config.model);
      Numbers all;
      for (auto const* group : {"parameters", "optimizer/m", "optimizer/v", "curvature/x0"}) {
        auto const v = allocate<float>(run.context, "test", model.layout().size());
        reader.read<float, Space>(run.context, group, model.layout(), v);
        all = joined(all, on_host(v));
      }
      return std::pair(all, reader.text().state);
    };
    CHECK(vectors_of(before) == vectors_of(behind));
  }
}

TEST_CASE("a checkpoint that fails behind the steps is told, and a later one saved", "[run]") {
  TinyRun run({"output.checkpoint_every=7", "output.asynchronous=true"});
  auto const& ranks = run.context.communicator();
  if (ranks.size() == 1) return;  // rank 0 alone would fail before the steps go on
  Listener heard;
  std::optional<FileSizeLimit> limit;
  heard.then = [&](train::StepReport const& report) {
    if (report.step == 6 && !ranks.is_root()) limit.emplace(2000);
    if (report.step == 12) limit.reset();
  };
  CHECK(execute(run, heard).end == train::RunResult::End::finished);
  REQUIRE(heard.faults.size() == 1);
  CHECK(heard.faults[0].find("step-00000007.h5.partial: can't be written") != std::string::npos);
  CHECK(heard.saves.size() == 4);  // after 14, 21, 28 and 30
  ranks.barrier();
  auto const directory = run.config.output.directory + "/checkpoints";
  CHECK_FALSE(fs::exists(io::checkpoint_path(directory, 7)));

  TinyRun hopeless({"training.steps=8", "output.asynchronous=true"});
  heard.then = [&](train::StepReport const& report) {
    if (report.step == 6 && !ranks.is_root()) limit.emplace(2000);
  };
  CHECK(failure<FileError>([&] { execute(hopeless, heard); }).find("step-00000008.h5.partial") !=
        std::string::npos);
}

TEST_CASE("a disk too small for the checkpoints to come is found before the first step", "[run]") {
  TinyRun run(
      {"training.steps=1000000000", "output.checkpoint_every=1", "output.keep_checkpoints=0"});
  Listener heard;
  CHECK(failure<FileError>([&] { execute(run, heard); }).find("make room") != std::string::npos);
  CHECK(heard.steps.empty());
}

TEST_CASE("a damaged checkpoint is put aside, and the one before it taken", "[run]") {
  TinyRun run({"training.steps=20", "output.checkpoint_every=10"});
  Listener first, second;
  execute(run, first);
  auto const& directory = run.config.output.directory;
  auto const newest = io::checkpoint_path(directory + "/checkpoints", 20);
  if (run.context.communicator().is_root()) fs::resize_file(newest, fs::file_size(newest) / 2);
  run.context.communicator().barrier();
  auto const result = execute(run, second, {.resume = train::Resume::if_there});
  CHECK(result.end == train::RunResult::End::finished);
  CHECK(second.plan.first_step == 10);
  CHECK(second.plan.not_used.find("step-00000020.h5") != std::string::npos);
  CHECK(second.steps.back().loss == first.steps.back().loss);
  run.context.communicator().barrier();
  CHECK(fs::exists(newest + ".damaged"));
  CHECK_NOTHROW(io::verify_checkpoint(run.context.communicator(), newest));
}

TEST_CASE("a run that diverges keeps its last good state", "[run]") {
  TinyRun run({"optimizer.name=sgd", "schedule.peak=1e15", "schedule.warmup_steps=0",
               "training.clip_norm=0"});
  Listener heard;
  auto const result = execute(run, heard);
  CHECK(result.end == train::RunResult::End::diverged);
  CHECK(result.steps == static_cast<Index>(heard.steps.size()));
  CHECK(result.steps < 30);
  CHECK(result.reason.find("not finite") != std::string::npos);
  CHECK_NOTHROW(io::verify_checkpoint(run.context.communicator(), result.checkpoint));
}

TEST_CASE("no run starts over in the directory of another", "[run]") {
  TinyRun run({"training.steps=3"});
  Listener heard;
  execute(run, heard);
  run.context.communicator().barrier();
  auto const file = run.config.output.directory + "/metrics.jsonl";
  auto const before = contents_of(file);
  CHECK(failure<FileError>([&] { execute(run, heard); }).find("--resume") != std::string::npos);
  CHECK(contents_of(file) == before);
  TinyRun fresh;
  CHECK_THROWS_AS(execute(fresh, heard, {.resume = train::Resume::must}), FileError);
  TinyRun blocked;
  blocked.config.output.directory = blocked.directory / "text.npy/run";
  CHECK(failure<FileError>([&] { execute(blocked, heard); }).find("output.directory") !=
        std::string::npos);
}

}  // namespace kyrtos::testing
