// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "laboratory.hpp"

#include <kyrtos/core/error.hpp>

#include "bench/peaks.hpp"
#include "bench/quartiles.hpp"

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fmt/chrono.h>

namespace kyrtos::bench {

namespace {

void check(Context<Space> const& context, Candidate const& candidate, double tolerance) {
  double const error = candidate.error(context);
  fmt::print("{:12} error {:.1e}\n", candidate.maker.name, error);
  require<Error>(error < tolerance,
                 fmt::format("{}: differs from the reference by {:.1e}, more than {:.1e}",
                             candidate.maker.name, error, tolerance));
  std::fflush(stdout);  // the measurements that follow take minutes
}

double rate(Measured const& m, std::size_t operation) {
  return m.of.operations[operation].work.amount / quartiles_of(m.seconds[operation]).median;
}

std::string cell(double rate, double peak, bool is_best) {
  return fmt::format(" {:>7.1f} {:>5.1f} %{}", rate / 1e9, 100 * rate / peak, is_best ? '*' : ' ');
}

void print(std::vector<Measured> const& measured) {
  auto const peaks = peaks_of(measured.front());
  fmt::print(
      "\n{:%Y-%m-%d}, {}, {} threads, products {:.1f} GFLOP/s, triad {:.1f} GB/s; G/s and share "
      "of it\n{:12}",
      fmt::gmtime(std::time(nullptr)), Space::name(), Space().concurrency(),
      peaks.of(bench::Work::products(0)) / 1e9, peaks.bytes / 1e9, "");
  auto const& operations = measured[1].of.operations;
  std::vector<double> best(operations.size(), 0);
  for (std::size_t i = 0; i < operations.size(); ++i) {
    fmt::print(" {:>16}", operations[i].name);
    for (std::size_t m = 1; m < measured.size(); ++m)
      best[i] = std::max(best[i], rate(measured[m], i));
  }
  fmt::print("\n");
  for (std::size_t m = 1; m < measured.size(); ++m) {
    fmt::print("{:12}", measured[m].of.name);
    for (std::size_t i = 0; i < operations.size(); ++i) {
      double const r = rate(measured[m], i);
      fmt::print("{}", cell(r, peaks.of(measured[m].of.operations[i].work), r == best[i]));
    }
    fmt::print("\n");
  }
}

}  // namespace

void compare(Context<Space> const& context, std::vector<Candidate> const& candidates,
             double tolerance) {
  std::vector<CaseMaker> makers{machine_case()};
  for (auto const& candidate : candidates) {
    check(context, candidate, tolerance);
    makers.push_back(candidate.maker);
  }
  MemoryMeter memory;
  print(measure_in_turns(context, memory, makers, {.repetitions = 7, .seconds = 60},
                         [](std::string const&) {}));
}

int in_laboratory(
    int argc, char** argv, std::vector<Index> const& otherwise,
    std::function<void(Context<Space> const&, std::vector<Index> const&)> const& work) {
  int code = 0;
  MPI_Init(&argc, &argv);
  Kokkos::initialize();
  try {
    std::vector<Index> numbers;
    for (int i = 1; i < argc; ++i) {
      numbers.push_back(std::atoll(argv[i]));
      require<Error>(numbers.back() > 0, std::string(argv[i]) + ": must be a positive integer");
    }
    for (auto i = numbers.size(); i < otherwise.size(); ++i) numbers.push_back(otherwise[i]);
    work(Context<Space>(MPI_COMM_SELF), numbers);
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}: {}\n", argv[0], error.what());
    code = 1;
  }
  Kokkos::finalize();
  MPI_Finalize();
  return code;
}

}  // namespace kyrtos::bench
