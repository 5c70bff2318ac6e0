// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include <kyrtos/train/run.hpp>

#include "../train/tiny_run.hpp"
#include "tiny_model.hpp"

#include <catch2/catch_approx.hpp>

namespace kyrtos::testing::c_training {

using Catch::Approx;

TEST_CASE("C: training goes on from a checkpoint as if never interrupted", "[c]") {
  TemporaryDirectory const directory{Communicator(MPI_COMM_SELF)};
  auto const file = directory / "trainer.h5";
  TinyModel tiny;
  TinyBatch b, probe(4, 2);
  kyrtos_trainer* trainer = nullptr;
  REQUIRE(kyrtos_trainer_create(tiny.model, &trainer) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_watch(trainer, &probe.batch) == KYRTOS_OK);
  kyrtos_step first{}, step{};
  REQUIRE(kyrtos_trainer_step(trainer, &b.batch, 1, 0.01, &first) == KYRTOS_OK);
  for (int i = 0; i < 19; ++i)
    REQUIRE(kyrtos_trainer_step(trainer, &b.batch, 1, 0.01, &step) == KYRTOS_OK);
  CHECK(step.step == 20);
  CHECK(step.loss < 0.8 * first.loss);
  CHECK(step.sharpness.lambda > 0);
  CHECK(step.sharpness.quality != KYRTOS_LOST);
  CHECK(step.sharpness.threshold_ratio == Approx(0.01 * step.sharpness.lambda / 38));
  REQUIRE(kyrtos_trainer_save(trainer, file.c_str()) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_step(trainer, &b.batch, 1, 0.01, &step) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_step(trainer, &b.batch, 1, 0.01, &step) == KYRTOS_OK);

  kyrtos_model* loaded = nullptr;
  kyrtos_trainer* other = nullptr;
  REQUIRE(kyrtos_model_load(tiny.context, file.c_str(), KYRTOS_FLOAT64, &loaded) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_create(loaded, &other) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_watch(other, &probe.batch) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_restore(other, file.c_str()) == KYRTOS_OK);
  kyrtos_step again{};
  REQUIRE(kyrtos_trainer_step(other, &b.batch, 1, 0.01, &again) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_step(other, &b.batch, 1, 0.01, &again) == KYRTOS_OK);
  CHECK(again.step == step.step);
  CHECK(again.loss == step.loss);
  CHECK(again.sharpness.lambda == step.sharpness.lambda);
  CHECK(again.sharpness.hvps == step.sharpness.hvps);

  // P^(-1/2) of Adam's second moment; a segment that no token reaches has v = 0 and P = scale·ε.
  Numbers d = tiny.zeros();
  auto const diagonal = array_of(d);
  REQUIRE(kyrtos_model_preconditioner(loaded, &diagonal) == KYRTOS_OK);
  for (double x : d) CHECK((x > 0 && x <= 1 / std::sqrt(1e-8 * (1 - std::pow(0.9, 20)))));

  REQUIRE(kyrtos_model_save(loaded, file.c_str()) == KYRTOS_OK);
  CHECK(kyrtos_trainer_restore(other, file.c_str()) == KYRTOS_ERROR_FILE);
  kyrtos_trainer_destroy(trainer);
  kyrtos_trainer_destroy(other);
  kyrtos_model_destroy(loaded);
}

/// A trainer of the tiny model, with one of its settings replaced.
template <class Work>
void with_trainer(std::string const& setting, std::string const& other, Work const& work) {
  std::string config = tiny_model;
  if (!setting.empty()) config.replace(config.find(setting), setting.size(), other);
  TinyModel const tiny(MPI_COMM_SELF, config.c_str());
  kyrtos_trainer* trainer = nullptr;
  REQUIRE(kyrtos_trainer_create(tiny.model, &trainer) == KYRTOS_OK);
  work(trainer);
  kyrtos_trainer_destroy(trainer);
}

TEST_CASE("C: training goes on with the same settings, or such as may change", "[c]") {
  TemporaryDirectory const directory{Communicator(MPI_COMM_SELF)};
  auto const file = directory / "trainer.h5";
  auto const restore = [&](kyrtos_trainer* trainer) {
    return kyrtos_trainer_restore(trainer, file.c_str());
  };
  with_trainer("", "", [&](kyrtos_trainer* t) {
    TinyBatch const b;
    REQUIRE(kyrtos_trainer_step(t, &b.batch, 1, 0.01, nullptr) == KYRTOS_OK);
    REQUIRE(kyrtos_trainer_save(t, file.c_str()) == KYRTOS_OK);
  });
  for (std::string const other :
       {"heads = 4", "z_loss = 0.5, heads = 2", "causal = false, heads = 2"})
    with_trainer("heads = 2", other, [&](kyrtos_trainer* t) {
      REQUIRE(kyrtos_trainer_allow_change(t, "model") == KYRTOS_OK);
      CHECK(restore(t) == KYRTOS_ERROR_CONFIG);
      auto const key = "model." + other.substr(0, other.find(' '));
      CHECK(std::string(kyrtos_trainer_error(t)).find(key + " was ") != std::string::npos);
    });
  with_trainer("beta2 = 0.9", "beta2 = 0.8", [&](kyrtos_trainer* t) {
    CHECK(restore(t) == KYRTOS_ERROR_CONFIG);
    CHECK(std::string(kyrtos_trainer_error(t)).find("optimizer.beta2 was 0.9 and is 0.8") !=
          std::string::npos);
    CHECK(kyrtos_trainer_allow_change(t, "optimiser") == KYRTOS_ERROR_CONFIG);
    CHECK(kyrtos_trainer_allow_change(t, nullptr) == KYRTOS_ERROR_ARGUMENT);
    REQUIRE(kyrtos_trainer_allow_change(t, "optimizer.beta2") == KYRTOS_OK);
    CHECK(restore(t) == KYRTOS_OK);
  });
  // What the program brings itself, or does not use.
  with_trainer("training.clip_norm = 0.0",
               "training = { clip_norm = 0.0, seed = 9 }\nschedule.peak = 1.0\ndata.train = \"a\"\n"
               "curvature.max_hvps = 9",
               [&](kyrtos_trainer* t) { CHECK(restore(t) == KYRTOS_OK); });
}

/// What the last step of a trainer read, as a batch of C.
struct ReadBatch {
  explicit ReadBatch(train::Run<double, Space> const& trainer) {
    auto const read = trainer.batches().front();
    inputs = to_host(read.inputs);
    targets = to_host(read.targets);
    std::vector<std::int64_t> const shape{read.shape.batch, read.shape.length};
    batch = {array_of(inputs, shape), array_of(targets, shape), 0};
  }
  std::vector<std::int32_t> inputs, targets;
  kyrtos_batch batch;

 private:
  static std::vector<std::int32_t> to_host(VectorView<Token const, Space> const& tokens) {
    auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), tokens);
    return {host.data(), host.data() + host.size()};
  }
};

TEST_CASE("C: a run of the library goes on in C, and back, with blocks that joined lately", "[c]") {
  TinyRun run({"training.precision=float64", "model.depth=3", "growth.initial_depth=1",
               "growth.when=steps", "growth.start=4", "growth.every=4", "growth.groups=2"});
  auto const file = run.directory / "state.h5";
  train::Run<double, Space> trainer(run.context, run.config);
  for (int i = 0; i < 14; ++i) trainer.step();
  REQUIRE(trainer.active_depth() == 3);
  trainer.save(file);

  kyrtos_context* context = nullptr;
  kyrtos_model* model = nullptr;
  kyrtos_trainer* in_c = nullptr;
  REQUIRE(kyrtos_context_create(MPI_COMM_SELF, nullptr, &context) == KYRTOS_OK);
  REQUIRE(kyrtos_model_load(context, file.c_str(), KYRTOS_FLOAT64, &model) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_create(model, &in_c) == KYRTOS_OK);
  REQUIRE(kyrtos_trainer_restore(in_c, file.c_str()) == KYRTOS_OK);
  auto const both_step = [&] {
    auto const wanted = trainer.step();
    ReadBatch read(trainer);
    kyrtos_step found{};
    REQUIRE(kyrtos_trainer_step(in_c, &read.batch, 1, wanted.learning_rate, &found) == KYRTOS_OK);
    CHECK(found.step == wanted.step);
    CHECK(found.loss == Approx(wanted.loss).epsilon(1e-13));
    CHECK(found.gradient_norm == Approx(wanted.gradient_norm).epsilon(1e-12));
  };
  for (int i = 0; i < 3; ++i) both_step();

  REQUIRE(kyrtos_trainer_save(in_c, file.c_str()) == KYRTOS_OK);
  trainer.restore(io::CheckpointReader(run.context.communicator(), file));
  CHECK(trainer.steps_done() == 17);
  for (int i = 0; i < 3; ++i) both_step();
  kyrtos_trainer_destroy(in_c);
  kyrtos_model_destroy(model);
  kyrtos_context_destroy(context);
}

TEST_CASE("C: continuous fields train too", "[c]") {
  TinyModel tiny(MPI_COMM_SELF,
                 "[model]\ninput_features = 2\noutput_features = 3\ncontext = 4\n"
                 "depth = 1\nwidth = 8\nheads = 2\ncausal = false");
  Numbers x(2 * 4 * 2), y(2 * 4 * 3);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = std::sin(1.0 + static_cast<double>(i));
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = x[i / 3 * 2] * static_cast<double>(i % 3);
  kyrtos_batch const batch{array_of(x, {2, 4, 2}), array_of(y, {2, 4, 3}), 0};
  kyrtos_trainer* trainer = nullptr;
  REQUIRE(kyrtos_trainer_create(tiny.model, &trainer) == KYRTOS_OK);
  kyrtos_step first{}, last{};
  REQUIRE(kyrtos_trainer_step(trainer, &batch, 1, 0.01, &first) == KYRTOS_OK);
  for (int i = 0; i < 50; ++i)
    REQUIRE(kyrtos_trainer_step(trainer, &batch, 1, 0.01, &last) == KYRTOS_OK);
  CHECK(last.loss < 0.1 * first.loss);
  CHECK(last.sharpness.quality == KYRTOS_LOST);  // nobody watches
  kyrtos_trainer_destroy(trainer);
}

}  // namespace kyrtos::testing::c_training
