// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// How well one Hessian-vector product a step follows the sharpness of a training run: the warm
// tracker's λ against converged Lanczos on the same operator, and beside it a cold start with five
// products. perf_tracker CONFIG.toml [STEPS [EVERY [key=value…]]]

#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/power_iteration.hpp>
#include <kyrtos/train/run.hpp>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fmt/core.h>
#include <vector>

namespace {

using namespace kyrtos;
using Space = Kokkos::DefaultExecutionSpace;

double quantile(std::vector<double> v, double q) {
  if (v.empty()) return std::nan("");
  std::sort(v.begin(), v.end());
  return v[static_cast<std::size_t>(q * static_cast<double>(v.size() - 1))];
}

double converged(Context<Space> const& context, curvature::LinearOperator<float, Space>& op) {
  curvature::Lanczos<float, Space> lanczos(context, op.size(), 60);
  return lanczos.solve(op, {.tolerance = 1e-3, .max_hvps = 60}).largest[0].value;
}

double cold(Context<Space> const& context, curvature::LinearOperator<float, Space>& op,
            Index step) {
  curvature::PowerIteration<float, Space> power(context, op.size());
  return power
      .solve(op, {.target = curvature::Spectrum::largest_algebraic,
                  .tolerance = 0,
                  .max_hvps = 5,
                  .shift = 0.0,
                  .seed = static_cast<std::uint64_t>(step)})
      .value;
}

void measure(Context<Space> const& context, train::RunConfig const& config, Index steps,
             Index every) {
  train::Run<float, Space> run(context, config);
  std::vector<double> warm_errors, cold_errors;
  fmt::print("{:>6} {:>8} {:>10} {:>10} {:>8} {:>9} {:>8} {:>10}\n", "step", "loss", "Lanczos",
             "tracker", "error", "residual", "hvps", "cold error");
  for (Index i = 0; i < steps; ++i) {
    auto const report = run.step();
    if (report.step % every != 0) continue;
    auto& op = run.probe()->tracked_operator();
    double const exact = converged(context, op);
    auto const& c = *report.sharpness;
    double const error = c.lambda ? std::fabs(*c.lambda / exact - 1) : 1;
    double const cold_error = std::fabs(cold(context, op, i) / exact - 1);
    if (report.step > 20) {
      warm_errors.push_back(error);
      cold_errors.push_back(cold_error);
    }
    fmt::print("{:>6} {:>8.4f} {:>10.4g} {:>10.4g} {:>7.2f}% {:>9.3f} {:>8} {:>9.1f}%\n",
               report.step, report.loss, exact, c.lambda.value_or(std::nan("")), 100 * error,
               c.residual.value_or(std::nan("")), c.hvps, 100 * cold_error);
  }
  for (auto const& [name, errors] :
       {std::pair("warm start", &warm_errors), {"cold start, 5 products", &cold_errors}})
    fmt::print("{}: relative error after step 20: median {:.2f} %, 90th percentile {:.2f} %\n",
               name, 100 * quantile(*errors, 0.5), 100 * quantile(*errors, 0.9));
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
    auto const config = train::load_config(argv[1], overrides);
    measure(Context<Space>(MPI_COMM_WORLD), config, argc > 2 ? std::atoi(argv[2]) : 200,
            argc > 3 ? std::atoi(argv[3]) : 10);
  } catch (std::exception const& error) {
    fmt::print(stderr, "perf_tracker: {}\n", error.what());
  }
  Kokkos::finalize();
  MPI_Finalize();
}
