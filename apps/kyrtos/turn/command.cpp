// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../command.hpp"

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/run.hpp>
#include <kyrtos/train/run_training.hpp>

#include "../common/json_text.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <fmt/core.h>
#include <nlohmann/json.hpp>

// What a warm start rests on: from one training step to the next, the matrix changes little, and so
// its leading eigenvector turns little. Two runs are restored from one checkpoint, one takes a
// step, and their matrices A and B are compared.

namespace kyrtos::program {

namespace {

struct TurnOptions {
  std::string checkpoint;
  std::vector<std::string> overrides;
  double alignment = 0.1;
  Index max_hvps = 200, seed = 1;
  bool json = false;
};

/// y ← (B − A) x
template <class Scalar>
class Difference final : public curvature::LinearOperator<Scalar, Space> {
 public:
  using Operator = curvature::LinearOperator<Scalar, Space>;
  Difference(Context<Space> const& context, Operator& a, Operator& b)
      : a_(a), b_(b), product_(allocate<Scalar>(context, "difference", a.size())) {}
  Index size() const override { return a_.size(); }
  void apply(Context<Space> const& context, VectorView<Scalar const, Space> x,
             VectorView<Scalar, Space> y) override {
    a_.apply(context, x, product_);
    b_.apply(context, x, y);
    linalg::axpy(context, -1, product_, y);
  }

 private:
  Operator &a_, &b_;
  Vector<Scalar, Space> product_;
};

/// The ends of a spectrum and the leading eigenvector.
template <class Scalar>
struct Leading {
  double first = 0, second = 0, smallest = 0;
  bool converged = false;
  Vector<Scalar, Space> vector;

  /// |λ₂/λ₁|, the factor by which an iteration of the power method lowers the error.
  double ratio() const { return std::max(std::fabs(second), std::fabs(smallest)) / first; }
};

template <class Scalar>
class Turn {
 public:
  Turn(Context<Space> const& context, TurnOptions const& options, train::RunConfig const& config,
       io::CheckpointReader const& file)
      : context_(context), o_(options), before_(context, config), after_(context, config) {
    // All but its model and optimiser may be as --set says.
    for (auto* run : {&before_, &after_})
      run->restore(file, {"data", "training", "optimizer", "schedule", "curvature", "growth"});
    if (before_.steps_done() < 1)
      throw ConfigError(file.path() + ": is of step 0, before which there is no preconditioner");
    report_ = after_.step();
    if (!report_.sharpness || config.curvature.method == train::CurvatureOptions::Method::critical)
      throw ConfigError("curvature.enabled and curvature.method = \"tracker\" are needed");
  }

  nlohmann::ordered_json measure() {
    auto &a = before_.probe()->tracked_operator(), &b = after_.probe()->tracked_operator();
    auto const at_a = leading(a), at_b = leading(b);
    double const sine = sine_between(at_a.vector, at_b.vector);
    Difference<Scalar> difference(context_, a, b);
    auto const change = leading(difference);
    double const norm = std::max(std::fabs(change.first), std::fabs(change.smallest));
    double const gap = at_a.first - at_b.second, bound = gap > 0 ? norm / gap : INFINITY;
    Index const warm = iterations(b, at_a.vector, at_b.vector);
    Index const cold = iterations(b, random(a.size()), at_b.vector);
    double const start = std::sqrt(static_cast<double>(a.size()));  // 1/cosine of a random vector
    double const rate = std::log(1 / at_b.ratio());
    nlohmann::ordered_json j{{"step", before_.steps_done()},
                             {"parameters", a.size()},
                             {"learning_rate", report_.learning_rate},
                             {"lambda", at_a.first},
                             {"lambda_next", at_b.first},
                             {"second_next", at_b.second},
                             {"angle", std::asin(std::min(sine, 1.0))},
                             {"change", norm},
                             {"gap", gap},
                             {"ratio", at_b.ratio()},
                             {"warm_iterations", warm},
                             {"cold_iterations", cold},
                             {"alignment", o_.alignment},
                             {"converged", at_a.converged && at_b.converged && change.converged}};
    if (std::isfinite(bound)) j["bound"] = bound;
    if (rate > 0) j["saved_by_angle"] = std::log(start / sine) / rate;
    if (rate > 0 && std::isfinite(bound)) j["saved_by_bound"] = std::log(start / bound) / rate;
    return j;
  }

 private:
  Vector<Scalar, Space> random(Index size) const {
    auto const v = allocate<Scalar>(context_, "random", size);
    curvature::detail::start_vector<Scalar, Space>(context_, v, {},
                                                   static_cast<std::uint64_t>(o_.seed) + 1);
    return v;
  }

  Leading<Scalar> leading(curvature::LinearOperator<Scalar, Space>& op) const {
    Index const steps = std::min(o_.max_hvps, op.size());
    curvature::Lanczos<Scalar, Space> lanczos(context_, op.size(), steps);
    auto const found = lanczos.solve(op, {.largest = 2,
                                          .smallest = 1,
                                          .tolerance = 1e-4,
                                          .max_hvps = steps,
                                          .seed = static_cast<std::uint64_t>(o_.seed)});
    Leading<Scalar> result{.first = found.largest[0].value,
                           .second = found.largest[1].value,
                           .smallest = found.smallest[0].value,
                           .converged = found.converged,
                           .vector = allocate<Scalar>(context_, "leading", op.size())};
    lanczos.eigenvector(curvature::Spectrum::largest_algebraic, 0, result.vector);
    return result;
  }

  /// Of the angle between lines; y has length one. The part of x across y, so that small angles
  /// are exact.
  double sine_between(VectorView<Scalar const, Space> x, VectorView<Scalar const, Space> y) const {
    auto const across = allocate<Scalar>(context_, "across", static_cast<Index>(x.size()));
    linalg::copy(context_, x, across);
    linalg::axpy(context_, -linalg::dot(context_, x, y), y, across);
    return linalg::norm(context_, across) / linalg::norm(context_, x);
  }

  /// Products of the power method until the sine of its angle to `target` is at most `alignment`.
  Index iterations(curvature::LinearOperator<Scalar, Space>& op,
                   VectorView<Scalar const, Space> start,
                   VectorView<Scalar const, Space> target) const {
    auto const x = allocate<Scalar>(context_, "power::x", op.size());
    auto const y = allocate<Scalar>(context_, "power::y", op.size());
    linalg::copy(context_, start, x);
    Index count = 0;
    while (sine_between(x, target) > o_.alignment && count < 10 * o_.max_hvps) {
      op.apply(context_, x, y);
      linalg::axpby(context_, 1 / linalg::norm(context_, y), y, 0, x);
      ++count;
    }
    return count;
  }

  Context<Space> context_;
  TurnOptions o_;
  train::Run<Scalar, Space> before_, after_;
  train::StepReport report_;
};

template <class Scalar>
int turn(Context<Space> const& context, TurnOptions const& o, train::RunConfig const& config,
         io::CheckpointReader const& file) {
  auto const found = Turn<Scalar>(context, o, config, file).measure();
  if (!context.communicator().is_root()) return 0;
  if (o.json)
    fmt::print("{}\n", json_text(found));
  else
    for (auto const& [key, value] : found.items()) fmt::print("{:<16} {}\n", key, json_text(value));
  return 0;
}

int turn(MPI_Comm ranks, TurnOptions const& o) {
  Context<Space> const context(ranks);
  io::CheckpointReader const file(context.communicator(), train::find_checkpoint(o.checkpoint));
  auto config = train::parse_config(file.text().config, file.path(), o.overrides);
  config.parallel.shard = parallel::Sharding::none;  // whole vectors, for their angles
  return config.training.precision == train::Precision::float64
             ? turn<double>(context, o, config, file)
             : turn<float>(context, o, config, file);
}

}  // namespace

void add_turn(CLI::App& app, Action& action) {
  auto const o = std::make_shared<TurnOptions>();
  auto* const command = app.add_subcommand(
      "turn", "Measure how far the leading eigenvector turns in the next training step");
  command->add_option("checkpoint", o->checkpoint, "Checkpoint, or directory of a run")
      ->required()
      ->check(CLI::ExistingPath);
  command->add_option("--set", o->overrides, "Replaces a value of the run's configuration")
      ->allow_extra_args(false)
      ->take_all();
  command->add_option("--alignment", o->alignment, "Sine at which the power method has arrived")
      ->check(CLI::Range(1e-6, 1.0))
      ->capture_default_str();
  command->add_option("--max-hvps", o->max_hvps, "Most products of a Lanczos run")
      ->check(CLI::Range(Index{4}, Index{100000}))
      ->capture_default_str();
  command->add_option("--seed", o->seed, "Of random vectors")->capture_default_str();
  command->add_flag("--json", o->json, "Print one JSON object");
  command->footer(
      "With the matrices A before and B after the step: angle is that of their leading "
      "eigenvectors, whose sine is at most bound = |B - A|/gap, gap = λ1(A) - λ2(B) (Davis and "
      "Kahan). Iterations are those of the power method on B, from A's eigenvector and from a "
      "random vector.");
  command->callback(
      [o, &action] { action.on_ranks = [o](MPI_Comm ranks) { return turn(ranks, *o); }; });
}

}  // namespace kyrtos::program
