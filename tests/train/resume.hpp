// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/run_history.hpp>
#include <kyrtos/train/run_record.hpp>

#include "listener.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <filesystem>

// A run that goes on is what its configuration says, and what is in its directory is its own.

namespace kyrtos::testing {

namespace fs = std::filesystem;
using Catch::Matchers::ContainsSubstring;

/// Ten steps of a run of thirty.
struct BegunRun : TinyRun {
  explicit BegunRun(std::vector<std::string> const& overrides = {}) : TinyRun(overrides) {
    Listener heard;
    config.training.steps = 10;
    execute(*this, heard);
    context.communicator().barrier();
  }

  std::string run() const { return config.output.directory; }

  /// The rest, with other settings; `heard` knows what was told.
  train::RunResult resume(std::string const& change, std::vector<std::string> allowed,
                          Listener& heard) const {
    auto const changed =
        train::parse_config(train::to_toml(config), "changed", {"training.steps=30", change});
    auto const result = train::run_training<float>(
        context, changed, {.resume = train::Resume::must, .allowed_changes = std::move(allowed)},
        heard);
    context.communicator().barrier();
    return result;
  }

  std::string refusal(std::string const& change, std::vector<std::string> allowed = {}) const {
    Listener heard;
    auto const told = failure<ConfigError>([&] { resume(change, std::move(allowed), heard); });
    CHECK(heard.steps.empty());
    return told;
  }
};

TEST_CASE("a run does not go on with another model or optimizer", "[run]") {
  BegunRun const run;
  auto const newest = io::checkpoint_path(run.run() + "/checkpoints", 10);
  for (std::string const change :
       {"model.heads=4", "model.causal=false", "model.activation=\"gelu\"", "model.z_loss=0.1",
        "model.norm_epsilon=0.001", "model.attention_window=4", "model.initial_scale=0.5",
        "model.width=32", "optimizer.name=\"sgd\""}) {
    auto const told = run.refusal(change, {"model", "optimizer"});
    auto const equals = change.find('=');
    INFO(change << ": " << told);
    CHECK_THAT(told, ContainsSubstring(newest));
    CHECK_THAT(told, ContainsSubstring(change.substr(0, equals) + " was "));
    CHECK_THAT(told, ContainsSubstring(" is " + change.substr(equals + 1) + " now"));
  }
  CHECK(fs::exists(newest));
}

TEST_CASE("what steps depend on changes where that is allowed, and is kept in the record",
          "[run]") {
  for (auto const& [change, table] :
       std::vector<std::pair<std::string, std::string>>{{"training.seed=7", "training"},
                                                        {"training.batch=12", "training"},
                                                        {"training.length=8", "training"},
                                                        {"data.order=\"sequential\"", "data"},
                                                        {"schedule.peak=0.001", "schedule"},
                                                        {"optimizer.beta2=0.95", "optimizer"},
                                                        {"curvature.max_hvps=9", "curvature"},
                                                        {"growth.initial_depth=1", "growth"}}) {
    BegunRun const run;
    auto const key = change.substr(0, change.find('='));
    auto const first = run.directory.read("run/config.toml");
    auto const told = run.refusal(change);
    INFO(told);
    CHECK_THAT(told, ContainsSubstring("--allow-change " + key + " "));
    CHECK_THAT(told, ContainsSubstring(key + " was "));
    CHECK_FALSE(run.refusal(change, {"model", "training.clip_norm"}).empty());
    Listener heard;
    run.resume(change, {key == "training.seed" ? key : table}, heard);
    CHECK(heard.plan.first_step == 10);
    CHECK(heard.plan.changes.size() == 2);  // and the number of steps
    CHECK(run.directory.read("run/config.toml") == first);
    auto const resumptions = train::read_resumptions(run.run());
    REQUIRE(resumptions.size() == 1);
    CHECK(resumptions[0].step == 10);
    CHECK(train::to_toml(train::config_at(run.run(), 10)) == first);
    auto const later = train::config_at(run.run(), 11);
    auto const in_checkpoint =
        io::CheckpointReader(run.context.communicator(), train::find_checkpoint(run.run()));
    CHECK(train::to_toml(later) == in_checkpoint.text().config);
    CHECK(later.training.steps == 30);
  }
}

TEST_CASE("several changes have a line each", "[run]") {
  BegunRun run;
  run.config.training.seed = 5;
  run.config.schedule.floor = 0.5;
  auto const told = run.refusal("training.batch=12");
  CHECK_THAT(told,
             ContainsSubstring("\n  training.batch was 6 and is 12 now\n  training.seed was 1 "
                               "and is 5 now\n  schedule.floor was "));
  CHECK_THAT(run.refusal("training.batch=12", {"training"}), ContainsSubstring("schedule.floor"));
}

TEST_CASE("what is harmless goes through", "[run]") {
  for (char const* change : {"output.log_every=3", "training.micro_batch=1", "stop.patience=1",
                             "parallel.reduction=\"ordered\"", "training.evaluate_every=5",
                             "output.checkpoint_every=4", "recorder.states=2"}) {
    BegunRun const run;
    Listener heard;
    CHECK(run.resume(change, {}, heard).steps == 30);
  }
}

TEST_CASE("a probe that follows the batch may change with it", "[run]") {
  BegunRun const run({"curvature.probe=\"batch\"", "curvature.probe_sequences=0"});
  Listener heard;
  CHECK(run.resume("training.batch=12", {"training.batch"}, heard).steps == 30);
}

TEST_CASE("other tokens in the data's files are noticed", "[run]") {
  for (auto const& [name, content] : std::vector<std::pair<std::string, std::string>>{
           {"shorter", some_text().substr(0, 5000)}, {"another", "A" + some_text().substr(1)}}) {
    BegunRun const run;
    run.directory.write("text.npy", as_array(content));
    INFO(name);
    CHECK_THAT(run.refusal("output.log_every=3"),
               ContainsSubstring("the content of data.train was 6"));
    Listener heard;
    CHECK(run.resume("output.log_every=3", {"data.train"}, heard).steps == 30);
    CHECK(train::read_resumptions(run.run()).at(0).changes.back().of_content);
  }
  BegunRun separate;
  auto const file = separate.directory.write("v.npy", as_array(some_text()));
  separate.config.data.validation = {file};
  separate.config.output.directory += "-2";
  Listener heard;
  execute(separate, heard);
  separate.directory.write("v.npy", as_array(some_text() + some_text()));
  CHECK_THAT(separate.refusal("output.log_every=3"),
             ContainsSubstring("the content of data.validation was "));
}

TEST_CASE("names of keys that may change must be keys", "[run]") {
  BegunRun const run;
  CHECK_THAT(run.refusal("output.log_every=3", {"trainnig.seed"}),
             ContainsSubstring("did you mean 'training.seed'"));
}

TEST_CASE("a run that takes steps again forgets what had changed for them", "[run]") {
  BegunRun const run({"output.checkpoint_every=5", "output.keep_checkpoints=0"});
  Listener heard;
  run.resume("training.seed=7", {"training"}, heard);
  if (run.context.communicator().is_root())
    for (int const step : {10, 15, 20, 25, 30})
      fs::remove(io::checkpoint_path(run.run() + "/checkpoints", step));
  run.context.communicator().barrier();
  run.resume("training.clip_norm=2.0", {"training"}, heard);
  auto const resumptions = train::read_resumptions(run.run());
  REQUIRE(resumptions.size() == 1);
  CHECK(resumptions[0].step == 5);
  CHECK(train::config_at(run.run(), 30).training.seed == 1);
}

// ---- What is in the directory ------------------------------------------------------------------

TEST_CASE("a new run leaves the checkpoints of others alone", "[run]") {
  TinyRun run({"output.keep_checkpoints=1", "output.checkpoint_every=7"});
  auto const& directory = run.config.output.directory;
  auto const& ranks = run.context.communicator();
  for (std::string const name : {"step-00000900.h5", "best.h5"}) {
    if (ranks.is_root()) fs::create_directories(directory + "/checkpoints");
    auto const foreign = run.directory.write("run/checkpoints/" + name, "of others");
    for (auto const resume : {train::Resume::never, train::Resume::if_there}) {
      Listener heard;
      auto const told = failure<FileError>([&] { execute(run, heard, {.resume = resume}); });
      CHECK_THAT(told, ContainsSubstring(directory + "/checkpoints"));
      CHECK(heard.steps.empty());
    }
    CHECK(run.directory.read("run/checkpoints/" + name) == "of others");
    ranks.barrier();
    if (ranks.is_root()) fs::remove(foreign);
    ranks.barrier();
  }
}

TEST_CASE("only checkpoints that the run wrote are removed", "[run]") {
  BegunRun const run({"output.checkpoint_every=5", "output.keep_checkpoints=1"});
  auto const checkpoints = run.run() + "/checkpoints";
  Listener heard;
  heard.then = [&](train::StepReport const& report) {
    if (report.step == 12)  // while it runs, as a copy for safety may
      run.directory.write("run/checkpoints/step-00000900.h5", "of others");
  };
  run.resume("output.log_every=3", {}, heard);
  CHECK(io::list_checkpoints(checkpoints) ==
        std::vector{io::checkpoint_path(checkpoints, 900), io::checkpoint_path(checkpoints, 30)});

  // A checkpoint that was brought here, to go on from: no record says that it is this run's.
  TinyRun other({"output.keep_checkpoints=1"});
  auto const& ranks = other.context.communicator();
  auto const own = other.config.output.directory + "/checkpoints";
  if (ranks.is_root()) {
    fs::create_directories(own);
    fs::copy_file(io::checkpoint_path(checkpoints, 30), io::checkpoint_path(own, 30));
  }
  ranks.barrier();
  other.config.training.steps = 33;
  execute(other, heard, {.resume = train::Resume::must, .allowed_changes = {"data"}});
  ranks.barrier();
  CHECK(io::list_checkpoints(own).size() == 2);
}

TEST_CASE("a configuration that is no run's own stays", "[run]") {
  TinyRun run;
  auto const& directory = run.config.output.directory;
  if (run.context.communicator().is_root()) fs::create_directory(directory);
  run.directory.write("run/config.toml", "[training]\nsteps = 3  # mine\n");
  Listener heard;
  CHECK_THAT(failure<FileError>([&] { execute(run, heard); }),
             ContainsSubstring(directory + "/config.toml"));
  CHECK_THAT(run.directory.read("run/config.toml"), ContainsSubstring("# mine"));
  auto const same = "# mine\n" + train::to_toml(run.config);
  run.directory.write("run/config.toml", same);
  CHECK(execute(run, heard).steps == 30);
  CHECK(run.directory.read("run/config.toml") == same);
}

}  // namespace kyrtos::testing
