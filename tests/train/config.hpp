// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/config.hpp>

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <string>
#include <vector>

// Configuration files: values arrive, mistakes are named, and the echo says the same again.

namespace kyrtos::testing {

using Catch::Matchers::ContainsSubstring;

/// The message with which a text is refused.
inline std::string refusal(std::string const& text,
                           std::vector<std::string> const& overrides = {}) {
  try {
    train::parse_config(text, "run.toml", overrides);
  } catch (ConfigError const& error) {
    return error.what();
  }
  return "accepted";
}

TEST_CASE("values of every type arrive", "[config]") {
  auto const c = train::parse_config(R"(
    model = { depth = 3, width = 96, qk_norm = true, norm = "rms_norm", soft_cap = 30 }
    data.train = "a.txt"
    data.validation = ["b.txt", 'c\d.txt']
    [optimizer]
    name = "sgd"
    momentum = 0.5
    [schedule]
    peak = 3e-4)",
                                     "run.toml");
  CHECK(c.model.depth == 3);
  CHECK(c.model.qk_norm);
  CHECK(c.model.norm == model::Norm::rms_norm);
  CHECK(c.model.soft_cap == 30);  // an integer where a real number is wanted
  CHECK(c.data.train == std::vector<std::string>{"a.txt"});
  CHECK(c.data.validation == std::vector<std::string>{"b.txt", "c\\d.txt"});
  CHECK(c.optimizer.kind == train::OptimizerConfig::Kind::sgd);
  CHECK(c.schedule.peak == 3e-4);
}

TEST_CASE("what is left out is derived", "[config]") {
  auto const c = train::parse_config("training.steps = 70\nmodel.context = 48", "run.toml");
  CHECK(c.schedule.total_steps == 70);
  CHECK(c.training.length == 48);
  CHECK(c.model.head_size == 64);
  CHECK(c.model.mlp_width == 4 * 384);
  CHECK(train::parse_config("[model]\n[data]", "run.toml").model.depth ==
        model::TransformerConfig().depth);
}

TEST_CASE("the probe is the batch, where the measurement can be made on it", "[config]") {
  using Probe = train::CurvatureConfig::Probe;
  auto const probe = [](std::string const& text) {
    return train::parse_config(text, "run.toml").curvature.probe;
  };
  CHECK(probe("") == Probe::batch);
  CHECK(probe("curvature.method = 'critical'") == Probe::fixed);
  CHECK(probe("curvature.matrix = 'gauss_newton'") == Probe::fixed);
  CHECK(probe("curvature = { matrix = 'gauss_newton', probe = 'stream' }") == Probe::stream);
  CHECK(probe("curvature.precision = 'tf32'") == Probe::fixed);
}

TEST_CASE("a preset gives defaults, wherever it stands", "[config]") {
  auto const file = "[model]\nbias = true\npreset = \"llama\"\ndepth = 2";
  auto const c = train::parse_config(file, "run.toml");
  CHECK(c.model.norm == model::Norm::rms_norm);
  CHECK(c.model.bias);
  CHECK(c.model.depth == 2);
  auto const changed = train::parse_config(file, "run.toml", {"model.preset=gpt2"});
  CHECK(changed.model.norm == model::Norm::layer_norm);
  CHECK(changed.model.depth == 2);
  CHECK_THAT(refusal("model.preset = \"bert\""), ContainsSubstring("\"gpt2\", \"llama\""));
}

TEST_CASE("overrides come last and name themselves", "[config]") {
  auto const c =
      train::parse_config("[training]\nsteps = 5", "run.toml",
                          {"training.steps=6", "training.steps = 7", "data.train=some/file.txt",
                           "curvature.enabled=false", "data.validation=['x', 'y']"});
  CHECK(c.training.steps == 7);
  CHECK(c.data.train == std::vector<std::string>{"some/file.txt"});
  CHECK(c.data.validation.size() == 2);
  CHECK_FALSE(c.curvature.enabled);
  CHECK_THAT(refusal("", {"model.dept=3"}),
             ContainsSubstring("--set model.dept=3: ") && ContainsSubstring("'model.depth'"));
  CHECK_THAT(refusal("", {"steps"}), ContainsSubstring("section.key=value"));
  CHECK_THAT(refusal("", {"=3"}), ContainsSubstring("section.key=value"));
  CHECK_THAT(refusal("", {"a b=3"}), ContainsSubstring("--set a b=3"));
}

TEST_CASE("an unknown key is named with its line and the nearest known one", "[config]") {
  CHECK(refusal("[model]\ndepth = 1\nheds = 2") ==
        "run.toml:3: unknown key 'model.heds'; did you mean 'model.heads'?");
  CHECK_THAT(refusal("[training]\nwarmup_steps = 2"),
             ContainsSubstring("run.toml:2: ") && ContainsSubstring("'schedule.warmup_steps'"));
  CHECK_THAT(refusal("steps = 2"), ContainsSubstring("'training.steps'"));
  CHECK_THAT(refusal("[modle]\ndepth = 2"), ContainsSubstring("'model.depth'"));
  CHECK_THAT(refusal("[modle]"), ContainsSubstring("unknown key 'modle'"));
  CHECK_THAT(refusal("[model.depth]\nx = 2"), ContainsSubstring("unknown key 'model.depth.x'"));
  CHECK(refusal("xyzzy.quux = 2") == "run.toml:1: unknown key 'xyzzy.quux'");
}

TEST_CASE("values out of range or of another type are refused", "[config]") {
  CHECK(refusal("[training]\n\nbatch = 0") ==
        "run.toml:3: training.batch must be an integer of at least 1");
  CHECK_THAT(refusal("training.batch = 2.0"), ContainsSubstring("an integer"));
  CHECK_THAT(refusal("model.vocabulary = 3000000000"), ContainsSubstring("to 2147483647"));
  CHECK_THAT(refusal("model.causal = 1"), ContainsSubstring("true or false"));
  CHECK_THAT(refusal("model.depth = {}"), ContainsSubstring("an integer"));
  CHECK_THAT(refusal("output.directory = 3"), ContainsSubstring("a string"));
  CHECK_THAT(refusal("data.train = [1, 2]"), ContainsSubstring("list of strings"));
  CHECK_THAT(refusal("optimizer.beta2 = 1"), ContainsSubstring("from 0 and below 1"));
  CHECK_THAT(refusal("schedule.peak = 0"), ContainsSubstring("above 0"));
  CHECK_THAT(refusal("schedule.peak = inf"), ContainsSubstring("above 0"));
  CHECK_THAT(refusal("schedule.peak = nan"), ContainsSubstring("above 0"));
  CHECK_THAT(refusal("optimizer.name = \"adam\""),
             ContainsSubstring("\"adamw\", \"sgd\", \"muon\""));
  CHECK(refusal("\"" + std::string(10000, 'x') + "\" = 1").size() < 1000);
  CHECK(refusal(std::string(10000, 'x') + " 1").size() < 1000);
  CHECK_THAT(refusal("training.precision = \"float16\""),
             ContainsSubstring("\"bf16\", \"float32\", \"float64\", \"tf32\""));
  CHECK_THAT(refusal("training.attention = \"block\""),
             ContainsSubstring("training.attention") &&
                 ContainsSubstring("\"auto\", \"streamed\", \"blocked\""));
}

TEST_CASE("values that contradict each other are refused", "[config]") {
  CHECK_THAT(refusal("model = { causal = false, attention_window = 4 }"),
             ContainsSubstring("model.attention_window = 4") && ContainsSubstring("model.causal"));
  CHECK_THAT(refusal("model.heads = 5"), ContainsSubstring("must divide model.width"));
  CHECK_THAT(refusal("curvature = { min_hvps = 3, max_hvps = 2 }"), ContainsSubstring("min_hvps"));
  CHECK_THAT(refusal("training.length = 300"), ContainsSubstring("model.context = 256"));
  CHECK_THAT(refusal("training = { batch = 8, micro_batch = 3 }"),
             ContainsSubstring("must divide"));
  CHECK_THAT(refusal("growth.initial_depth = 7"), ContainsSubstring("model.depth = 6"));
  CHECK_THAT(refusal("optimizer.name = \"muon\"\ncurvature.method = \"cold\""),
             ContainsSubstring("curvature.method"));
  CHECK_THAT(refusal("schedule.sharpness_cap = 1\ncurvature.matrix = \"spectral\""),
             ContainsSubstring("need a threshold"));
  CHECK_THAT(refusal("data.loss_until = 10"), ContainsSubstring("needs data.loss_after"));
  CHECK_THAT(refusal("data.loss_after = 256"), ContainsSubstring("model.vocabulary = 256"));
}

TEST_CASE("broken TOML and unreadable files are refused with their place", "[config]") {
  CHECK_THAT(refusal("[model]\ndepth = "), ContainsSubstring("run.toml:2: "));
  CHECK_THAT(refusal("[model]\ndepth = 1\ndepth = 2"), ContainsSubstring("run.toml:3: "));
  CHECK_THROWS_AS(train::load_config("/does/not/exist.toml"), FileError);
  CHECK_THROWS_AS(train::load_config("/tmp"), FileError);
}

TEST_CASE("the echo of a configuration reads back the same", "[config]") {
  auto const c = train::parse_config(
      "[model]\npreset = 'llama'\nkv_heads = 3\nsoft_cap = 0.1\n"
      "[optimizer]\nepsilon = 1e-30\nbeta2 = 0.3333333333333333\n"
      "[output]\ndirectory = \"a \\\"b\\\" \\\\ é\\n\"\n"
      "[data]\ntrain = [\"x'y\", '']",
      "run.toml");
  auto const text = train::to_toml(c);
  auto const again = train::parse_config(text, "echo");
  CHECK(train::to_toml(again) == text);
  CHECK(again.optimizer.adamw.beta2 == c.optimizer.adamw.beta2);
  CHECK(again.optimizer.adamw.epsilon == 1e-30);
  CHECK(again.output.directory == c.output.directory);
  CHECK(again.data.train == c.data.train);
  CHECK(again.model.positions == model::Positions::rotary);
}

TEST_CASE("the reference is a configuration with every default", "[config]") {
  CHECK(train::to_toml(train::parse_config(train::config_reference(), "reference")) ==
        train::to_toml(train::parse_config("", "none")));
}

}  // namespace kyrtos::testing
