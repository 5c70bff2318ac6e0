// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/line_model.hpp>
#include <kyrtos/train/run.hpp>

#include "support/scalar.hpp"
#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <limits>

// The parabola of the loss along a step, held to differences of the loss itself; and a run whose
// rates follow it.

namespace kyrtos::testing {

/// The loss of a tiny run's first batch at a θ of the test's, and the line model along its steps.
struct Line {
  Line(TinyRun const& run, Numbers const& start)
      : ranks(run.context.communicator()),
        model(run.config.model),
        stream(train::token_stream<Scalar>(
            run.context, run.config, train::open_training_data(run.config).train,
            train::batch_share(run.config, 6, train::Purpose::training,
                               {ranks.rank(), ranks.size()}),
            train::Purpose::training)),
        memory(on_device<Scalar>(start)),
        theta(run.context, memory),
        loss(run.context, model, theta),
        line(loss, stream.shape()) {
    stream.load(0);
    loss.set_batches(stream.batches());
  }

  void move_to(Numbers const& point) {
    linalg::copy(loss.context(), on_device<Scalar>(point), memory);
  }

  Communicator ranks;
  model::Transformer<Scalar, Space> model;
  train::TokenStream<Scalar, Space> stream;
  Vector<Scalar, Space> memory;
  model::Parameters<Scalar, Space> theta;
  model::Objective<Scalar, Space> loss;
  train::LineModel<Scalar, Space> line;
};

TEST_CASE("slope and curvature are the derivatives of the loss along a step", "[line_model]") {
  TinyRun run({"training.micro_batch=3"});
  auto const size =
      static_cast<std::size_t>(model::Transformer<Scalar, Space>(run.config.model).layout().size());
  Numbers start = random_numbers<Scalar>(size, 1, 0.1), step = random_numbers<Scalar>(size, 2, 0.1);
  Line at(run, start);
  auto const gradient = on_device<Scalar>(Numbers(size, 0));
  at.loss.gradient(gradient);
  at.line.begin();
  at.move_to(plus(start, 1, step));
  auto const [slope, curvature] = at.line.measure(gradient, at.stream.batches());

  auto const loss_at = [&](double share) {
    at.line.move(share);
    return at.loss.loss();
  };
  double const h = is_double ? 1e-3 : 0.05;
  double const down = loss_at(-h), here = loss_at(0), up = loss_at(h);
  double const tolerance = is_double ? 1e-5 : 0.02;
  CHECK(near(slope, (up - down) / (2 * h), tolerance * std::max(1.0, std::abs(slope))));
  CHECK(near(curvature, (up - 2 * here + down) / (h * h),
             10 * tolerance * std::max(1.0, std::abs(curvature))));
}

TEST_CASE("a learning rate of CDAT is what the parabola says", "[line_model]") {
  TinyRun run({"schedule.cdat=0.5", "schedule.cdat_smoothing=0", "schedule.peak=10",
               "schedule.warmup_steps=0", "optimizer.weight_decay=0", "curvature.enabled=false",
               "training.clip_norm=0", "optimizer.name=sgd", "optimizer.momentum=0"});
  train::Run<Scalar, Space> trainer(run.context, run.config);
  Numbers const start = on_host(trainer.parameters());
  auto const report = trainer.step();
  CHECK(report.learning_rate < 10);

  // Gradient descent: the update is -ηg, and half way to the bottom lies at η = |g|²/(2 gᵀHg).
  Numbers direction = on_host(trainer.parameters());  // θ - ηg
  for (std::size_t i = 0; i < start.size(); ++i)
    direction[i] = (direction[i] - start[i]) / report.learning_rate;
  Line at(run, start);
  at.line.begin();
  at.move_to(plus(start, 1, direction));
  Numbers gradient;
  for (double const d : direction) gradient.push_back(-d);
  auto const [slope, curvature] = at.line.measure(on_device<Scalar>(gradient), at.stream.batches());
  CHECK(near(report.gradient_norm * report.gradient_norm, -slope, is_double ? 1e-8 : 1e-2));
  CHECK(near(report.learning_rate, 0.5 * -slope / std::abs(curvature), is_double ? 1e-6 : 2e-2));
}

TEST_CASE("CDAT tames a rate that is too high, and goes on after a restart", "[line_model]") {
  auto const last_loss = [](std::vector<std::string> overrides) {
    overrides.insert(overrides.end(),
                     {"schedule.peak=100", "schedule.warmup_steps=0", "optimizer.name=sgd",
                      "optimizer.momentum=0", "training.clip_norm=0", "curvature.enabled=false"});
    TinyRun run(overrides);
    train::Run<Scalar, Space> trainer(run.context, run.config);
    double last = 0;
    try {
      for (int i = 0; i < 30; ++i) last = trainer.step().loss;
    } catch (NumericalError const&) {
      last = std::numeric_limits<double>::infinity();
    }
    return last;
  };
  CHECK(last_loss({"schedule.cdat=1"}) < 4);  // from ln 128 = 4.85
  CHECK(last_loss({}) > 6);

  TinyRun run({"schedule.cdat=1", "schedule.peak=0.3"});
  train::Run<Scalar, Space> whole(run.context, run.config), other(run.context, run.config);
  for (int i = 0; i < 4; ++i) whole.step();
  whole.save(run.directory / "there.h5");
  other.restore(io::CheckpointReader(run.context.communicator(), run.directory / "there.h5"));
  for (int i = 0; i < 3; ++i) {
    auto const a = whole.step(), b = other.step();
    CHECK(a.learning_rate == b.learning_rate);
    CHECK(a.loss == b.loss);
  }
}

}  // namespace kyrtos::testing
