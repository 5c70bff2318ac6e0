// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/run.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cmath>
#include <optional>

// The curvature of a step's own batch, measured on the activations of its gradient; what the loss
// does along the update; and what an update tells without any product.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;

/// One batch of a tiny run, of which the last sequences are kept.
struct SplitBatch {
  explicit SplitBatch(TinyRun const& run)
      : ranks(run.context.communicator()),
        trainer(run.context, run.config, {ranks.rank(), ranks.size()}, never_interrupted),
        stream(train::token_stream<Scalar>(run.context, run.config,
                                           train::open_training_data(run.config).train,
                                           trainer.training_share, train::Purpose::training)),
        alone(run.context, trainer.model, trainer.theta) {
    trainer.theta.initialize(trainer.model, 5);
    load(0);
  }

  /// The batch of a step, and what is kept of it.
  void load(Index step) {
    stream.load(step);
    auto const [others, kept] = stream.split(trainer.kept, ranks.size());
    trainer.objective.set_batches(others, kept);
    auto batch = kept->batch;
    batch.weight = kept->weight_alone;
    alone.set_batches({batch});
  }

  /// θ of a run, as it is now.
  Vector<Scalar, Space> theta_of(train::Run<Scalar, Space> const& training) const {
    auto const copy = vector();
    linalg::copy(
        alone.context(),
        DistributedView<Scalar const, Space>(training.parameters(), trainer.theta.partition()),
        over_ranks(copy));
    return copy;
  }

  Vector<Scalar, Space> vector() const {
    return Vector<Scalar, Space>("vector", trainer.theta.partition().local_size());
  }
  DistributedView<Scalar, Space> over_ranks(Vector<Scalar, Space> const& v) const {
    return {v, trainer.theta.partition()};
  }
  void move(double by, Vector<Scalar, Space> const& direction) {
    linalg::axpy(alone.context(), by, over_ranks(direction), trainer.theta.own());
    trainer.theta.changed();
  }
  double difference(Vector<Scalar, Space> const& a, Vector<Scalar, Space> const& b) {
    auto const rest = vector();
    linalg::copy(alone.context(), over_ranks(a), over_ranks(rest));
    linalg::axpy(alone.context(), -1, over_ranks(b), over_ranks(rest));
    return linalg::norm(alone.context(), over_ranks(rest)) /
           linalg::norm(alone.context(), over_ranks(b));
  }

  Communicator ranks;
  train::ConfiguredTrainer<Scalar, Space> trainer;
  train::TokenStream<Scalar, Space> stream;
  model::Objective<Scalar, Space> alone;  // the kept sequences as a batch of their own
};

std::vector<std::string> const on_batch{"curvature.probe=batch", "training.batch=8",
                                        "curvature.probe_sequences=4", "training.micro_batch=1",
                                        "curvature.along_update=true"};

inline std::vector<std::string> with(std::vector<std::string> more) {
  more.insert(more.begin(), on_batch.begin(), on_batch.end());
  return more;
}

TEST_CASE("products on the kept sequences are those of their own Hessian", "[batch_probe]") {
  auto const shard = GENERATE(as<std::string>(), "none", "optimizer", "full");
  auto const extra = GENERATE(as<std::string>(), "training.recompute=false", "model.preset=llama",
                              "model.tied=false", "growth.initial_depth=1");
  TinyRun const run(with({"parallel.shard=" + shard, extra}));
  INFO(shard << ", " << extra);
  SplitBatch split(run);
  auto& objective = split.trainer.objective;
  auto const u = split.vector(), gradient = split.vector(), found = split.vector(),
             wanted = split.vector();
  objective.gradient(gradient);
  linalg::copy(split.alone.context(), split.over_ranks(gradient), split.over_ranks(u));
  double const size = linalg::norm(split.alone.context(), split.over_ranks(u));

  split.alone.set_active(split.trainer.growth.active());
  for (int again = 0; again < 2; ++again) {  // products leave the activations as they are
    auto const here = objective.kept_hvp(u, found), there = split.alone.hvp(u, wanted);
    CHECK(split.difference(found, wanted) < 1e-12);
    CHECK(near(here.loss, there.loss, 1e-13));
    CHECK(near(here.derivative, there.derivative, 1e-11));
    CHECK(near(objective.kept_loss(), split.alone.loss(), 1e-13));
    objective.gradient(gradient);
  }
  // The same by central differences of the gradient.
  double const h = 1e-5 / size;
  auto const up = split.vector(), down = split.vector();
  split.move(h, u);
  split.alone.gradient(up);
  split.move(-2 * h, u);
  split.alone.gradient(down);
  linalg::axpy(split.alone.context(), -1, split.over_ranks(down), split.over_ranks(up));
  linalg::scale(split.alone.context(), 1 / (2 * h), split.over_ranks(up));
  CHECK(split.difference(found, up) < 1e-6);
}

TEST_CASE("the batch's gradient is the same whether some of it is kept or not", "[batch_probe]") {
  TinyRun const run(with({}));
  SplitBatch split(run);
  auto const kept = split.vector(), whole = split.vector();
  double const loss = split.trainer.objective.gradient(kept);
  split.trainer.objective.set_batches(split.stream.batches());
  CHECK(near(loss, split.trainer.objective.gradient(whole), 1e-13));
  CHECK(split.difference(kept, whole) < 1e-13);
}

TEST_CASE("a product without the gradient before it is refused", "[batch_probe]") {
  TinyRun const run(with({}));
  SplitBatch split(run);
  CHECK_THROWS_AS(split.trainer.objective.kept_hvp(split.vector(), split.vector()), Error);
}

TEST_CASE("the update's report is the parabola of the kept loss, and its true change",
          "[batch_probe]") {
  auto const shard = GENERATE(as<std::string>(), "none", "full");
  TinyRun const run(with({"parallel.shard=" + shard, "optimizer.weight_decay=0.3"}));
  train::Run<Scalar, Space> training(run.context, run.config);
  SplitBatch split(run);  // its θ follows the run's
  for (Index step = 0; step < 6; ++step) {
    auto const before = split.theta_of(training);
    auto const report = training.step();
    CHECK(report.update.has_value() == (step % 2 == 1));  // in turns with λ
    CHECK(report.sharpness->measured == (step % 2 == 0));
    if (!report.update) continue;
    auto const update = split.theta_of(training);
    linalg::axpy(split.alone.context(), -1, split.over_ranks(before), split.over_ranks(update));
    linalg::copy(split.alone.context(), split.over_ranks(before), split.trainer.theta.own());
    split.trainer.theta.changed();
    split.load(step);
    auto const product = split.vector();
    auto const along = split.alone.hvp(update, product);
    split.move(1, update);
    CHECK(near(report.update->slope, along.derivative, 1e-10));
    CHECK(near(
        report.update->curvature,
        linalg::dot(split.alone.context(), split.over_ranks(update), split.over_ranks(product)),
        1e-9));
    CHECK(near(report.update->actual, split.alone.loss() - along.loss, 1e-11));
    CHECK(std::abs(report.update->predicted() - report.update->actual) <
          0.5 * std::abs(report.update->actual));
  }
}

/// First and second derivative of f at 0 by central differences of fourth order.
template <class Function>
std::pair<double, double> derivatives(Function const& f, double h) {
  double const ahead = f(h), behind = f(-h), far_ahead = f(2 * h), far_behind = f(-2 * h);
  return {(8 * (ahead - behind) - (far_ahead - far_behind)) / (12 * h),
          (16 * (ahead + behind) - (far_ahead + far_behind) - 30 * f(0)) / (12 * h * h)};
}

TEST_CASE("the directional sharpness is that of central differences of the loss", "[batch_probe]") {
  auto const shard = GENERATE(as<std::string>(), "none", "optimizer", "full");
  INFO(shard);
  TinyRun const run(with({"parallel.shard=" + shard}));
  train::Run<Scalar, Space> training(run.context, run.config);
  SplitBatch split(run);
  training.step();
  auto const before = split.theta_of(training);
  auto const report = training.step();
  auto const update = split.theta_of(training);
  linalg::axpy(split.alone.context(), -1, split.over_ranks(before), split.over_ranks(update));
  split.load(1);
  auto const [slope, curvature] = derivatives(
      [&](double share) {
        linalg::copy(split.alone.context(), split.over_ranks(before), split.trainer.theta.own());
        split.move(share, update);
        return split.alone.loss();
      },
      1.0 / 64);
  REQUIRE(report.update.has_value());
  CHECK(std::abs(report.update->ratio() / (-curvature / (2 * slope)) - 1) < 1e-6);
}

TEST_CASE("the shares of the eigenvector by part are those of its squares", "[batch_probe]") {
  TinyRun const run(with({"curvature.matrix=hessian", "training.steps=5"}));
  train::Run<Scalar, Space> training(run.context, run.config);
  auto const report = training.step();
  auto const u = on_host(flat(rows_of(training.probe()->vectors(), 0, 1)));
  auto const& model = training.model();
  auto const ranges = model.parts();
  REQUIRE(report.mass.size() == ranges.size());
  double const all = dot(u, u);
  for (std::size_t i = 0; i < ranges.size(); ++i) {
    double sum = 0;
    for (Index k = ranges[i].offset; k < ranges[i].offset + ranges[i].size; ++k)
      sum += u[static_cast<std::size_t>(k)] * u[static_cast<std::size_t>(k)];
    CHECK(std::abs(report.mass[i].second - sum / all) < 1e-13);
  }
  CHECK(report.mass[1].first == "blocks.0.attention");
  CHECK(report.mass[3].first == "blocks.1.attention");
}

TEST_CASE("norms and the lag of the second moment, in closed form", "[batch_probe]") {
  auto const shard = GENERATE(as<std::string>(), "none", "optimizer");
  TinyRun const run({"curvature.enabled=false", "optimizer.weight_decay=0",
                     "optimizer.epsilon=1e-100", "training.batch=8", "training.micro_batch=1",
                     "parallel.shard=" + shard});
  train::Run<Scalar, Space> training(run.context, run.config);
  Communicator const& ranks = run.context.communicator();
  auto const squares = [&](Numbers const& a) {
    double const sum = dot(a, a);
    return shard == "none" ? sum : ranks.sum(sum);
  };
  for (int step = 0; step < 3; ++step) {
    auto const before = on_host(training.parameters());
    auto const report = training.step();
    auto const after = on_host(training.parameters());
    CHECK(near(*report.weight_norm, std::sqrt(squares(after)), 1e-12));
    CHECK(near(*report.update_norm, std::sqrt(squares(plus(after, -1, before))), 1e-10));
    double weights = 0, updates = 0;
    for (auto const& [name, value] : report.weight_norms) weights += value * value;
    for (auto const& [name, value] : report.update_norms) updates += value * value;
    CHECK(report.weight_norms.empty() == (step % 10 != 0));
    if (step > 0) continue;
    // At the first step v̂ = g²: every element's ratio is 1, but for those without a gradient.
    CHECK(*report.rms_ratio <= 1 + 1e-12);
    CHECK(*report.rms_ratio > 0.9);
    CHECK(near(std::sqrt(weights), *report.weight_norm, 1e-12));
    CHECK(near(std::sqrt(updates), *report.update_norm, 1e-12));
  }
}

TEST_CASE("before Adam's first update its threshold is nobody's", "[batch_probe]") {
  auto const probe = GENERATE(as<std::string>(), "batch", "fixed");
  TinyRun const run(
      {"curvature.probe=" + probe, "curvature.probe_sequences=4", "training.batch=8"});
  train::Run<Scalar, Space> training(run.context, run.config);
  for (int step = 0; step < 3; ++step) {
    auto const sharpness = *training.step().sharpness;
    REQUIRE(sharpness.lambda);  // on the batch, of the plain Hessian at the first step
    CHECK(sharpness.threshold_ratio.has_value() == (probe == "fixed" || step > 0));
  }
}

TEST_CASE("no step passes the cap on its sharpness, and a restart keeps it", "[batch_probe]") {
  auto const probe = GENERATE(as<std::string>(), "batch", "fixed");
  double const cap = 0.05;
  TinyRun const run({"curvature.probe=" + probe, "curvature.probe_sequences=4", "training.batch=8",
                     "schedule.sharpness_cap=0.05", "schedule.peak=0.05"});
  TinyRun const free({"curvature.probe=" + probe, "curvature.probe_sequences=4", "training.batch=8",
                      "schedule.peak=0.05"});
  train::Run<Scalar, Space> capped(run.context, run.config), plain(free.context, free.config);
  bool differs = false;
  std::optional<double> stable;  // the rate at which the last λ was at its threshold
  for (int step = 0; step < 10; ++step) {
    auto const report = capped.step();
    plain.step();
    double const asked = run.config.schedule.at(step);
    auto const ratio = report.sharpness->threshold_ratio;
    if (probe == "batch") {  // λ of this very step
      if (ratio) CHECK(*ratio <= cap * (1 + 1e-12));
    } else if (stable) {
      CHECK(report.learning_rate <= cap * *stable * (1 + 1e-12));
    }
    if (ratio) stable = report.learning_rate / *ratio;
    CHECK(report.learning_rate <= asked);
    differs = differs || report.learning_rate < asked;
    if (step != 5) continue;
    capped.save(run.directory / "there.h5");
  }
  CHECK(differs);
  train::Run<Scalar, Space> again(run.context, run.config);
  again.restore(io::CheckpointReader(run.context.communicator(), run.directory / "there.h5"));
  while (again.steps_done() < capped.steps_done()) again.step();
  CHECK(on_host(again.parameters()) == on_host(capped.parameters()));
}

}  // namespace kyrtos::testing
