// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/run.hpp>

#include "../support/kokkos_watch.hpp"
#include "support/scalar.hpp"
#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>
#include <cmath>

// What the tracked direction says on sequences that it was not fitted to, and what rounded factors
// do to it: held to the same products by hand.

namespace kyrtos::testing::check {

using Strings = std::vector<std::string>;
using Run = train::Run<Scalar, Space>;

inline Strings with(Strings all, Strings const& more) {
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

inline Strings const on_batch{"curvature.probe=batch", "training.batch=8",
                              "curvature.probe_sequences=4"};

inline train::StepReport step_to(Run& run, Index step) {
  train::StepReport report;
  while (run.steps_done() < step) report = run.step();
  return report;
}

/// θ and the diagonal of Adam's P as they are now, whole on every rank.
struct State {
  Numbers theta, p;

  explicit State(Run& run) : theta(on_host(run.parameters())), p(theta.size(), 1.0) {
    auto const& adam = run.config().optimizer.adamw;
    auto const& optimizer = run.trainer().optimizer();
    auto const t = static_cast<double>(optimizer.steps());
    for (auto const& [name, values] : optimizer.state()) {
      if (name != "v") continue;
      auto const v = on_host(values);
      for (std::size_t i = 0; i < v.size(); ++i)
        p[i] = (1 - std::pow(adam.beta1, t)) *
               (std::sqrt(v[i] / (1 - std::pow(adam.beta2, t))) + adam.epsilon);
    }
  }
};

/// Products at some θ on batches of one's own choice.
struct Products {
  Products(Context<Space> const& context, Run& run, State const& at)
      : x(on_host(flat(rows_of(run.probe()->vectors(), 0, 1)))),
        state(at),
        theta(context, Partition(run.model().layout().size()), parallel::Sharding::none),
        objective(context, run.model(), theta) {
    Kokkos::deep_copy(theta.own().local(), on_device<Scalar>(at.theta));
    theta.changed();
  }

  Numbers image(std::vector<Batch<Scalar, Space>> batches, bool is_gauss_newton = false) {
    objective.set_batches(std::move(batches));
    auto const direction = on_device<Scalar>(x), product = on_device<Scalar>(x);
    if (is_gauss_newton)
      objective.gauss_newton(direction, product);
    else
      objective.hvp(direction, product);
    return on_host(product);
  }
  double quotient(Numbers const& image, bool is_preconditioned) const {
    double square = 0;
    for (std::size_t i = 0; i < x.size(); ++i)
      square += (is_preconditioned ? state.p[i] : 1) * x[i] * x[i];
    return dot(x, image) / square;
  }

  Numbers x;
  State state;
  model::Parameters<Scalar, Space> theta;
  model::Objective<Scalar, Space> objective;
};

/// Those that a check draws at a step.
struct Drawn {
  Drawn(TinyRun const& tiny, Run& run)
      : ranks(tiny.context.communicator()),
        stream(train::token_stream<Scalar>(
            tiny.context, run.config(), train::open_training_data(run.config()).train,
            train::batch_share(run.config(), run.config().curvature.probe_sequences,
                               train::Purpose::check, {ranks.rank(), ranks.size()}),
            train::Purpose::check)) {}

  auto batches(Index step, Index i, Index of) {
    stream.load((step - 1) * of + i);
    return stream.batches();
  }

  Communicator ranks;
  train::TokenStream<Scalar, Space> stream;
};

TEST_CASE("the held-out sharpness is the mean of quotients on other batches, with its error",
          "[curvature_check]") {
  if (!is_double) SKIP("the same in float, to fewer digits");
  auto const settings = GENERATE(Strings{"curvature.matrix=preconditioned"},
                                 with(on_batch, {"curvature.matrix=preconditioned"}),
                                 with(on_batch, {"curvature.matrix=hessian"}),
                                 Strings{"curvature.matrix=gauss_newton"});
  auto const matrix = settings.back().substr(settings.back().find('=') + 1);
  bool const is_on_batch = settings.size() > 1;
  INFO(matrix << (is_on_batch ? ", on the batch" : ""));
  TinyRun const tiny(with({"curvature.check_every=3", "curvature.check_batches=5"}, settings));
  Run run(tiny.context, tiny.config);
  step_to(run, 2);
  State const before(run);
  auto const report = run.step();
  REQUIRE(report.check);
  Products products(tiny.context, run, is_on_batch ? before : State(run));
  Drawn drawn(tiny, run);
  Numbers quotients;
  for (Index i = 0; i < 5; ++i) {
    auto const image = products.image(drawn.batches(3, i, 5), matrix == "gauss_newton");
    quotients.push_back(products.quotient(image, matrix == "preconditioned"));
  }
  double mean = 0, square = 0;
  for (double const q : quotients) mean += q / 5;
  for (double const q : quotients) square += (q - mean) * (q - mean) / 4;
  CHECK(std::abs(report.check->held_out / mean - 1) < 1e-9);
  CHECK(std::abs(report.check->held_out_error / std::sqrt(square / 5) - 1) < 1e-7);
  CHECK(report.check->held_out_error > 0);
  CHECK_FALSE(report.check->precision_error);
  CHECK_FALSE(report.check->product_error);
}

TEST_CASE("where all sequences are the same one, the check finds λ itself", "[curvature_check]") {
  if (!is_double) SKIP("the same in float, to fewer digits");
  auto const settings = GENERATE(Strings{}, on_batch);
  TinyRun tiny(
      with({"curvature.check_every=1", "training.evaluate_every=0", "curvature.cold_hvps=400",
            "curvature.max_hvps=400", "curvature.target_residual=1e-6"},
           settings));
  tiny.config.data.train = {
      tiny.directory.write("one.npy", as_array(some_text().substr(0, 17)))};  // one window
  tiny.config.data.validation = tiny.config.data.train;
  Run run(tiny.context, tiny.config);
  for (int i = 0; i < 4; ++i) {
    auto const report = run.step();
    REQUIRE(report.sharpness->lambda);
    REQUIRE(report.check);
    double const lambda = *report.sharpness->lambda;
    REQUIRE(*report.sharpness->residual < 1e-4);
    CHECK(std::abs(report.check->held_out / lambda - 1) < 1e-7);
    CHECK(report.check->held_out_error < 1e-12 * lambda);
  }
}

TEST_CASE("the held-out sharpness is unbiased, and its error is its error", "[curvature_check]") {
  if (!is_double) SKIP("the same in float, to fewer digits");
  TinyRun tiny({"curvature.check_every=4", "curvature.check_batches=300",
                "curvature.probe_sequences=1", "training.evaluate_every=0", "training.batch=2"});
  Index const length = 16, windows = 24;
  tiny.context = Context<Space>(MPI_COMM_SELF);
  tiny.config.data.train = {tiny.directory.write(
      "few.npy", as_array(some_text().substr(0, static_cast<std::size_t>(windows + length))))};
  tiny.config.data.validation = tiny.config.data.train;
  Run run(tiny.context, tiny.config);
  auto const report = step_to(run, 4);
  REQUIRE(report.check);
  // The same over all windows that there are, each as likely as the others.
  std::vector<Token> inputs, targets;
  auto const data = train::open_training_data(run.config()).train;
  for (Index w = 0; w < windows; ++w) {
    std::vector<Token> window(static_cast<std::size_t>(length) + 1);
    data.read(w, window, run.config().model.vocabulary);
    inputs.insert(inputs.end(), window.begin(), window.end() - 1);
    targets.insert(targets.end(), window.begin() + 1, window.end());
  }
  train::MicroBatches<Scalar, Space> all(tiny.context, {windows, length}, 1);
  all.load(inputs, targets, 1.0 / static_cast<double>(windows * length));
  Products products(tiny.context, run, State(run));
  double const exact = products.quotient(products.image(all.all()), true);
  auto const& found = *report.check;
  INFO(found.held_out << " ± " << found.held_out_error << " for " << exact << ", λ "
                      << *report.sharpness->lambda);
  CHECK(std::abs(found.held_out - exact) < 3 * found.held_out_error);
  CHECK(found.held_out_error < 0.1 * exact);
  CHECK(*report.sharpness->lambda > exact);  // its only sequence was chosen for
}

TEST_CASE("a check changes no step, and its products are counted", "[curvature_check]") {
  auto const settings =
      GENERATE(Strings{}, with(on_batch, {"curvature.along_update=true"}),
               with(on_batch, {"schedule.sharpness_cap=0.05", "training.qk_clip=0.05"}),
               Strings{"curvature.every=2", "curvature.block=2"}, Strings{"curvature.probe=stream"},
               Strings{"optimizer.name=muon"});
  TinyRun const plain(settings);
  TinyRun const checked(with({"curvature.check_every=3", "curvature.check_batches=2"}, settings));
  Run a(plain.context, plain.config), b(checked.context, checked.config);
  for (Index step = 1; step <= 9; ++step) {
    auto const x = a.step(), y = b.step();
    CHECK(x.loss == y.loss);
    CHECK(x.sharpness->lambda == y.sharpness->lambda);
    CHECK(x.largest_logit == y.largest_logit);
    CHECK_FALSE(x.check);
    CHECK(y.check.has_value() == (step % 3 == 0));
    CHECK(y.sharpness->hvps == x.sharpness->hvps + (y.check ? 2 : 0));
    if (y.check) CHECK(std::isfinite(y.check->held_out));
  }
  CHECK(on_host(a.parameters()) == on_host(b.parameters()));
}

TEST_CASE("the check is the same on any number of ranks in every shard mode", "[curvature_check]") {
  if (!is_double) SKIP("the same in float, to fewer digits");
  // A fixed number of products: none is taken or left because of a rounding error.
  Strings const growing{"training.steps=16",       "growth.initial_depth=1",
                        "growth.when=steps",       "growth.start=5",
                        "growth.every=4",          "growth.groups=2",
                        "model.depth=3",           "curvature.target_residual=0",
                        "curvature.max_hvps=2",    "curvature.cold_hvps=6",
                        "curvature.check_every=2", "curvature.check_batches=2",
                        "training.batch=8",        "curvature.probe_sequences=4"};
  // On the batch each rank takes sequences of its own share: the same ones if it takes them all.
  auto const extra = GENERATE(Strings{"training.micro_batch=1"},
                              Strings{"curvature.probe=batch", "curvature.probe_sequences=8"},
                              Strings{"optimizer.name=muon"},
                              Strings{"curvature.probe_sequences=3", "curvature.matrix=hessian"});
  TinyRun const whole(with(growing, extra));
  Context<Space> const alone(MPI_COMM_SELF);
  Run one(alone, whole.config);
  std::vector<train::StepReport> wanted;
  while (!one.is_finished()) wanted.push_back(one.step());
  CHECK(wanted.back().active_depth == 3);
  for (std::string const shard : {"none", "optimizer", "full"}) {
    INFO(shard << ", " << extra.front());
    TinyRun const tiny(with(with(growing, extra), {"parallel.shard=" + shard}));
    Run run(tiny.context, tiny.config);
    for (auto const& step : wanted) {
      auto const found = run.step();
      REQUIRE(found.check.has_value() == step.check.has_value());
      if (!found.check) continue;
      CHECK(std::abs(found.check->held_out / step.check->held_out - 1) < 1e-6);
      CHECK(std::abs(found.check->held_out_error / step.check->held_out_error - 1) < 1e-5);
    }
  }
}

TEST_CASE("a run that goes on checks with the same bits", "[curvature_check]") {
  auto const settings = GENERATE(Strings{}, on_batch, Strings{"optimizer.name=muon"});
  TinyRun const tiny(with({"curvature.check_every=3", "training.skip_z_score=1"}, settings));
  Run whole(tiny.context, tiny.config);
  step_to(whole, 4);
  whole.save(tiny.directory / "there.h5");
  Run other(tiny.context, tiny.config);
  other.restore(io::CheckpointReader(tiny.context.communicator(), tiny.directory / "there.h5"));
  int checks = 0;
  for (int i = 0; i < 6; ++i) {
    auto const wanted = whole.step(), found = other.step();
    REQUIRE(found.check.has_value() == wanted.check.has_value());
    if (!found.check) continue;
    ++checks;
    CHECK(found.check->held_out == wanted.check->held_out);
    CHECK(found.check->held_out_error == wanted.check->held_out_error);
  }
  CHECK(checks > 0);
}

TEST_CASE("what rounded factors do to a product is measured", "[curvature_check]") {
  if (is_double) SKIP("factors of float32 are what is rounded");
  auto const format = GENERATE(from_range(available_formats()));
  bool const is_bf16 = format == linalg::FactorFormat::bfloat16;
  TinyRun const tiny({"curvature.check_every=3", "curvature.check_batches=2",
                      "curvature.matrix=hessian",
                      std::string("curvature.precision=") + (is_bf16 ? "bf16" : "tf32")});
  Run run(tiny.context, tiny.config);
  auto const report = step_to(run, 3);
  REQUIRE(report.check);
  State const state(run);
  Products exact(tiny.context, run, state),
      rounded(rounding_context(tiny.context, format), run, state);
  Drawn drawn(tiny, run);
  auto const y = exact.image(drawn.batches(3, 0, 2)),
             error = plus(rounded.image(drawn.batches(3, 0, 2)), -1, y);
  REQUIRE(report.check->precision_error);
  REQUIRE(report.check->product_error);
  CHECK(norm(error) > 0);
  // Differences of numbers in float32: they have lost digits.
  CHECK(std::abs(*report.check->product_error / (norm(error) / norm(y)) - 1) < 1e-3);
  CHECK(std::abs(*report.check->precision_error - std::abs(dot(exact.x, error) / dot(exact.x, y))) <
        1e-5);
  CHECK(*report.check->product_error < 8 * unit_roundoff(format));
}

TEST_CASE("a step with a check allocates nothing", "[curvature_check]") {
  auto const settings = GENERATE(Strings{}, on_batch, Strings{"curvature.precision=tf32"});
  if (is_double && settings.size() == 1) SKIP("factors of float32 are what is rounded");
  TinyRun const tiny(with({"curvature.check_every=1"}, settings));
  Run run(tiny.context, tiny.config);
  run.step();
  CHECK(KokkosWatch::during([&] { run.step(); }).allocations.empty());
}

TEST_CASE("a check that is interrupted says nothing", "[curvature_check]") {
  TinyRun const tiny({"curvature.check_every=1"});
  int asked = 0;
  Run run(tiny.context, tiny.config, [&] { return ++asked > 3; });
  CHECK_FALSE(run.step().check);
  CHECK(asked > 3);
}

TEST_CASE("a check without a direction is refused", "[curvature_check]") {
  for (std::string const method : {"cold", "critical"})
    CHECK(failure<ConfigError>([&] {
            TinyRun({"curvature.check_every=3", "curvature.method=" + method});
          }).find("curvature.method = \"tracker\"") != std::string::npos);
  CHECK_FALSE(failure<ConfigError>([] { TinyRun({"curvature.check_batches=1"}); }).empty());
}

}  // namespace kyrtos::testing::check
