// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How well the tracker follows the sharpness of a training run: its λ against converged Lanczos on
// the same operator, at the same θ, batch and preconditioner (curvature.reference_every). What cold
// starts do is in apps/studies/estimator.toml. perf_tracker CONFIG.toml [STEPS [EVERY
// [key=value…]]]

#include <kyrtos/train/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/core.h>
#include <vector>

namespace {

using namespace kyrtos;
using Space = Kokkos::DefaultExecutionSpace;

/// Steps at the start that do not count: the tracker begins with a random vector.
constexpr Index first_steps = 20;

double quantile(std::vector<double> v, double q) {
  if (v.empty()) return std::nan("");
  std::sort(v.begin(), v.end());
  return v[static_cast<std::size_t>(q * static_cast<double>(v.size() - 1))];
}

void measure(Context<Space> const& context, train::RunConfig const& config, Index steps) {
  train::Run<float, Space> run(context, config);
  std::vector<double> errors;
  Index products = 0, lost = 0;
  fmt::print("{:>6} {:>8} {:>10} {:>10} {:>8} {:>9} {:>5}\n", "step", "loss", "Lanczos", "tracker",
             "error", "residual", "hvps");
  while (run.steps_done() < steps) {
    auto const report = run.step();
    auto const& c = *report.sharpness;
    bool const counts = report.step > first_steps;
    if (counts) products += c.hvps;
    if (counts && !c.lambda) ++lost;
    if (!report.lambda_reference) continue;
    double const error = c.lambda ? std::fabs(*c.lambda / *report.lambda_reference - 1) : 1;
    if (counts) errors.push_back(error);
    fmt::print("{:>6} {:>8.4f} {:>10.4g} {:>10.4g} {:>7.2f}% {:>9.3f} {:>5}\n", report.step,
               report.loss, *report.lambda_reference, c.lambda.value_or(std::nan("")), 100 * error,
               c.residual.value_or(std::nan("")), c.hvps);
  }
  fmt::print(
      "after step {}: {:.2f} products a step, {} steps lost; relative error at {} steps: median "
      "{:.2f} %, 90th percentile {:.2f} %, largest {:.1f} %\n",
      first_steps, static_cast<double>(products) / static_cast<double>(steps - first_steps), lost,
      errors.size(), 100 * quantile(errors, 0.5), 100 * quantile(errors, 0.9),
      100 * quantile(errors, 1));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: perf_tracker CONFIG.toml [STEPS [EVERY [key=value...]]]\n");
    return 2;
  }
  MPI_Init(&argc, &argv);
  Kokkos::initialize();
  try {
    std::vector<std::string> const overrides(argv + std::min(argc, 4), argv + argc);
    auto config = train::load_config(argv[1], overrides);
    config.curvature.reference_every = argc > 3 ? std::atoi(argv[3]) : 10;
    measure(Context<Space>(MPI_COMM_WORLD), config, argc > 2 ? std::atoi(argv[2]) : 200);
  } catch (std::exception const& error) {
    fmt::print(stderr, "perf_tracker: {}\n", error.what());
  }
  Kokkos::finalize();
  MPI_Finalize();
}
