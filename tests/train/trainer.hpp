// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/train/run.hpp>

#include "../support/kokkos_watch.hpp"
#include "support/scalar.hpp"
#include "tiny_run.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

// The training loop: it learns, forgets nothing on a restart, and does not depend on how the batch
// is split; its tracker is held to Lanczos.

namespace kyrtos::testing {

inline Numbers parameters(train::Run<Scalar, Space> const& trainer) {
  return on_host(trainer.parameters());
}

inline std::vector<train::StepReport> take_steps(train::Run<Scalar, Space>& trainer, int count) {
  std::vector<train::StepReport> reports;
  for (int i = 0; i < count; ++i) reports.push_back(trainer.step());
  return reports;
}

TEST_CASE("training lowers the loss, on data it has not seen too", "[trainer]") {
  TinyRun run({"training.steps=60"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  double const before = *trainer.validation_loss();
  CHECK(std::abs(before - std::log(128.0)) < 0.1);  // a guess
  auto const reports = take_steps(trainer, 60);
  CHECK(trainer.is_finished());
  CHECK(reports.back().loss < 0.7 * reports.front().loss);
  CHECK(*trainer.validation_loss() < 0.7 * before);
  CHECK(trainer.validation_loss() == trainer.validation_loss());
  CHECK(reports.back().tokens == 60 * 6 * 16);
  CHECK(reports.front().learning_rate == 3e-3 / 5);
}

TEST_CASE("the loss reported is that of the parameters before the step", "[trainer]") {
  TinyRun run({"curvature.enabled=false"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  take_steps(trainer, 3);
  auto const theta = on_device<Scalar>(parameters(trainer));
  auto const& ranks = run.context.communicator();
  auto stream = train::token_stream<Scalar>(
      run.context, run.config, train::open_training_data(run.config).train,
      train::batch_share(run.config, 6, train::Purpose::training, {ranks.rank(), ranks.size()}),
      train::Purpose::training);
  stream.load(3);
  model::TransformerWorkspace<Scalar, Space> ws(run.context, trainer.model(), stream.shape());
  double loss = 0;
  for (auto const& batch : stream.batches()) loss += trainer.model().loss(ws, theta, batch);
  CHECK(near(ranks.sum(loss), trainer.step().loss, 100 * std::numeric_limits<Scalar>::epsilon()));
}

TEST_CASE("a restart at any step goes on with the same bits", "[trainer]") {
  auto const setting = GENERATE(as<std::string>(), "curvature.method=tracker",
                                "curvature.method=critical", "optimizer.name=muon");
  TinyRun run({setting, "curvature.every=2", "optimizer.update_clipping=true"});
  train::Run<Scalar, Space> whole(run.context, run.config);
  for (int k : {1, 4, 7}) {
    take_steps(whole, k);
    whole.save(run.directory / "there.h5");
    train::Run<Scalar, Space> other(run.context, run.config);
    other.restore(io::CheckpointReader(run.context.communicator(), run.directory / "there.h5"));
    CHECK(other.steps_done() == whole.steps_done());
    CHECK(parameters(other) == parameters(whole));
    auto const expected = take_steps(whole, 3), found = take_steps(other, 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(found[i].step == expected[i].step);
      CHECK(found[i].loss == expected[i].loss);
      CHECK(found[i].loss_z == expected[i].loss_z);
      CHECK(found[i].sharpness->lambda == expected[i].sharpness->lambda);
      CHECK(found[i].sharpness->residual == expected[i].sharpness->residual);
      CHECK(found[i].sharpness->hvps == expected[i].sharpness->hvps);
    }
    CHECK(parameters(other) == parameters(whole));
  }
}

TEST_CASE("neither micro-batches nor ranks change the run", "[trainer]") {
  TinyRun whole, pieces({"training.micro_batch=2"}), alone;
  alone.context = Context<Space>(MPI_COMM_SELF);
  train::Run<Scalar, Space> a(whole.context, whole.config), b(pieces.context, pieces.config),
      c(alone.context, alone.config);
  double const precision = is_double ? 1e-10 : 2e-3;
  for (int i = 0; i < 15; ++i) {
    auto const x = a.step(), y = b.step(), z = c.step();
    CHECK(near(y.loss, x.loss, precision));
    CHECK(near(z.loss, x.loss, precision));
    CHECK(near(z.gradient_norm, x.gradient_norm, precision));
    if (is_double && x.sharpness->lambda)
      CHECK(std::abs(*z.sharpness->lambda / *x.sharpness->lambda - 1) < 1e-6);
  }
  CHECK(near(*b.validation_loss(), *a.validation_loss(), precision));
  CHECK(near(parameters(c), parameters(a), 10 * precision));
}

TEST_CASE("a loss that is not finite stops the step before anything has changed", "[trainer]") {
  TinyRun run({"schedule.peak=1e20", "schedule.warmup_steps=0", "training.clip_norm=0",
               "optimizer.name=sgd"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  Numbers last = parameters(trainer);
  auto const diverge = [&] {
    for (int i = 0; i < 20; ++i) {
      trainer.step();
      last = parameters(trainer);
    }
  };
  CHECK(failure<NumericalError>(diverge).find("schedule.peak") != std::string::npos);
  auto const same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  CHECK(std::equal(last.begin(), last.end(), parameters(trainer).begin(), same));
}

TEST_CASE("a NaN on one rank stops all ranks at the same step", "[trainer]") {
  TinyRun run;
  train::Run<Scalar, Space> trainer(run.context, run.config);
  take_steps(trainer, 2);
  auto const& ranks = run.context.communicator();
  if (ranks.rank() + 1 == ranks.size()) {  // as a broken memory might
    auto const theta = trainer.parameters();
    Vector<Scalar, Space> values("values", theta.size());
    Kokkos::deep_copy(values, std::numeric_limits<Scalar>::quiet_NaN());
    Kokkos::deep_copy(VectorView<Scalar, Space>(const_cast<Scalar*>(theta.data()), theta.size()),
                      values);
  }
  CHECK(failure<NumericalError>([&] { trainer.step(); }).find("step 3") != std::string::npos);
  CHECK(trainer.steps_done() == 2);
}

TEST_CASE("an outlying update is left out when asked for", "[trainer]") {
  TinyRun run({"training.skip_z_score=1e-9", "training.z_score_window=4"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  Index skipped = 0;
  for (int i = 0; i < 20; ++i) {
    Numbers const before = parameters(trainer);
    auto const report = trainer.step();
    CHECK((parameters(trainer) == before) == report.skipped);
    CHECK(report.skipped == (std::max(report.loss_z, report.gradient_z) > 1e-9));
    skipped += report.skipped ? 1 : 0;
  }
  CHECK(skipped > 0);
  CHECK(skipped < 20);
}

TEST_CASE("the tracker follows Lanczos along a training run", "[trainer]") {
  if (!is_double) SKIP("the same in float, to fewer digits");
  auto const matrix = GENERATE(as<std::string>(), "preconditioned", "hessian", "gauss_newton");
  TinyRun run({"training.steps=60", "curvature.matrix=" + matrix, "optimizer.beta2=0.999",
               "schedule.peak=1e-3", "schedule.warmup_steps=20", "curvature.max_hvps=3"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  Numbers errors;
  for (int i = 0; i < 60; ++i) {
    auto const report = trainer.step();
    if (i < 20 || i % 4 != 0) continue;
    auto& op = trainer.probe()->tracked_operator();
    curvature::Lanczos<Scalar, Space> lanczos(run.context, op.size(), 100);
    auto const exact = lanczos.solve(op, {.tolerance = 1e-4, .max_hvps = 100});
    REQUIRE(exact.converged);
    REQUIRE(report.sharpness->lambda);
    errors.push_back(std::abs(*report.sharpness->lambda / exact.largest[0].value - 1));
  }
  std::sort(errors.begin(), errors.end());
  INFO(matrix << ": median error " << errors[errors.size() / 2] << ", largest " << errors.back());
  CHECK(errors[errors.size() / 2] < 0.05);
}

TEST_CASE("tracked training holds five vectors of the parameters' length", "[trainer]") {
  TinyRun run;
  std::optional<train::Run<Scalar, Space>> trainer;
  auto const record = KokkosWatch::during([&] {
    trainer.emplace(run.context, run.config);
    trainer->step();
  });
  auto const bytes = static_cast<std::uint64_t>(trainer->parameters().size()) * sizeof(Scalar);
  auto const is_vector = [&](std::uint64_t size) { return size >= bytes && size < bytes + 256; };
  CHECK(std::count_if(record.bytes.begin(), record.bytes.end(), is_vector) == 5);
}

TEST_CASE("a step allocates nothing once it is under way", "[trainer]") {
  TinyRun run;
  train::Run<Scalar, Space> trainer(run.context, run.config);
  trainer.step();
  auto const record = KokkosWatch::during([&] { trainer.step(); });
  // Sums come to the host through mirrors, which on a host are the same memory.
  CHECK(record.allocations.empty());
  CHECK(record.kernels.size() > 100);
}

TEST_CASE("inactive blocks are neither trained nor drawn upon", "[trainer]") {
  TinyRun run({"growth.initial_depth=1"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  Numbers const before = parameters(trainer);
  auto const reports = take_steps(trainer, 5);
  CHECK(reports.back().active_depth == 1);
  Numbers const after = parameters(trainer);
  for (Index block : {0, 1}) {
    auto const [offset, size] = trainer.model().block_range(block);
    bool const same =
        std::equal(before.begin() + offset, before.begin() + offset + size, after.begin() + offset);
    CHECK(same == (block == 1));
  }
}

TEST_CASE("depth grows on the way, and a restart at any step changes nothing", "[trainer]") {
  auto const how = GENERATE(as<std::string>(), "zeros", "projections", "gate");
  TinyRun run({"model.depth=4", "growth.initial_depth=1", "growth.when=steps", "growth.start=4",
               "growth.every=3", "growth.groups=3", "growth.ramp_steps=4", "growth.entry=" + how,
               "growth.where=spread"});
  train::Run<Scalar, Space> whole(run.context, run.config);
  std::vector<train::StepReport> expected;
  for (int i = 0; i < 14; ++i) {
    whole.save(run.directory / ("at" + std::to_string(i) + ".h5"));
    expected.push_back(whole.step());
  }
  std::vector<Index> depths;
  for (auto const& report : expected) depths.push_back(report.active_depth);
  CHECK(depths == std::vector<Index>{1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 4});
  for (int i : {3, 4, 5, 9, 12}) {
    train::Run<Scalar, Space> other(run.context, run.config);
    other.restore(io::CheckpointReader(run.context.communicator(),
                                       run.directory / ("at" + std::to_string(i) + ".h5")));
    for (auto k = static_cast<std::size_t>(i); k < expected.size(); ++k) {
      auto const report = other.step();
      CHECK(report.loss == expected[k].loss);
      CHECK(report.active_depth == expected[k].active_depth);
      CHECK(report.sharpness->lambda == expected[k].sharpness->lambda);
    }
    CHECK(parameters(other) == parameters(whole));
  }
}

TEST_CASE("the tracker keeps its warm start through growth", "[trainer]") {
  TinyRun run({"model.depth=4", "growth.initial_depth=2", "growth.when=steps", "growth.start=25",
               "growth.groups=1", "growth.entry=projections", "schedule.peak=1e-3",
               "optimizer.epsilon=1e-6", "curvature.max_hvps=4"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  auto const before = take_steps(trainer, 25).back();
  auto const after = trainer.step();
  REQUIRE(after.active_depth == 4);
  REQUIRE(before.sharpness->lambda);
  CHECK(after.sharpness->lambda);
  CHECK(after.sharpness->hvps <= 4);  // a cold start may take 20
}

TEST_CASE("a second moment of zero makes the preconditioned sharpness jump", "[trainer]") {
  auto const jump = [](std::string const& second_moment) {
    TinyRun run({"model.depth=2", "growth.initial_depth=1", "growth.when=steps", "growth.start=20",
                 "growth.groups=1", "growth.entry=projections", "schedule.peak=1e-3",
                 "curvature.max_hvps=20", "growth.second_moment=" + second_moment});
    train::Run<Scalar, Space> trainer(run.context, run.config);
    double const before = take_steps(trainer, 20).back().sharpness->lambda.value_or(1);
    double greatest = 0;
    for (int i = 0; i < 3; ++i)
      greatest = std::max(greatest, trainer.step().sharpness->lambda.value_or(0) / before);
    return greatest;
  };
  double const inherited = jump("neighbours"), zero = jump("zero");
  CHECK(inherited < 10);
  CHECK(zero > 3 * inherited);
}

TEST_CASE("a new run starts from another's parameters, of the same function only", "[trainer]") {
  TinyRun run, other({"training.seed=2", "optimizer.name=sgd"}), heads({"model.heads=4"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  take_steps(trainer, 2);
  auto const path = run.directory / "there.h5";
  trainer.save(path);
  io::CheckpointReader const there(run.context.communicator(), path);
  train::Run<Scalar, Space> into(other.context, other.config);
  into.start_from(there);
  CHECK(parameters(into) == parameters(trainer));
  CHECK(into.step().step == 1);
  train::Run<Scalar, Space> unlike(heads.context, heads.config);
  auto const words = failure<FileError>([&] { unlike.start_from(there); });
  CHECK(words.find("there.h5: was trained with another model.heads") != std::string::npos);
}

TEST_CASE("tokens of a vocabulary that uint16 can't count are four bytes wide", "[trainer]") {
  TinyRun run({"training.length=16", "training.evaluate_every=0"});
  run.config.data.train = {run.directory.write("tokens.bin", std::string(400, '\0'))};
  auto const count = [&] {
    auto const data = train::open_training_data(run.config);
    return data.train.size() + data.validation.size();
  };
  CHECK(count() == 200);
  run.config.model.vocabulary = 65537;
  CHECK(count() == 100);
}

TEST_CASE("a restart says what does not fit", "[trainer]") {
  TinyRun run, wider({"model.width=32"}), sgd({"optimizer.name=sgd"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  trainer.step();
  trainer.save(run.directory / "there.h5");
  auto const restore_into = [&](TinyRun const& other) {
    train::Run<Scalar, Space> into(other.context, other.config);
    return failure<ConfigError>([&] {
      into.restore(io::CheckpointReader(run.context.communicator(), run.directory / "there.h5"));
    });
  };
  CHECK(restore_into(wider).find("there.h5") != std::string::npos);
  CHECK(restore_into(wider).find("model.width was 16 and is 32 now") != std::string::npos);
  CHECK(restore_into(sgd).find("optimizer.name") != std::string::npos);
  CHECK(restore_into(run).empty());
}

TEST_CASE("a state whose counts can't be counts is refused", "[trainer]") {
  auto const config = train::parse_config("model.depth = 1", "test");
  auto const refusal = [&](std::string const& calm_steps) {
    auto const state = R"({"growth":{"blocks":[null],"calm_steps":)" + calm_steps + "}}";
    return failure<FileError>([&] { train::active_blocks(config, state, "there.h5"); });
  };
  CHECK(refusal("7").empty());
  for (auto const* count : {"-1", "1.5", "1e300", "9223372036854775807", "18446744073709551615"})
    CHECK(refusal(count).find("there.h5") != std::string::npos);
}

}  // namespace kyrtos::testing
