// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A whole model: the gradient and the four ways to a Hessian-vector product, in turns, as multiples
// of the gradient and as shares of this machine's own matrix-product rate in the same run; and the
// peak memory of the process, for lengths from 1024 to 8192 in separate runs.
//
//     perf_model                                                            6 layers, d 384, T 256
//     perf_model --width 768 --depth 12 --heads 12 --vocabulary 50257 --batch 4            GPT-2
//     perf_model --batch 1 --depth 2 --width 256 --heads 4 --repetitions 1 --length 8192   memory

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/gemm_rate.hpp>
#include <kyrtos/model/transformer.hpp>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <fmt/core.h>
#include <sys/resource.h>
#include <vector>

namespace {

using namespace kyrtos;
using Space = Kokkos::DefaultExecutionSpace;

struct Case {
  TransformerConfig config;
  SequenceShape shape{8, 256};
  int repetitions = 7;
};

/// Times of one operation, in the order in which they were taken.
struct Samples {
  char const* name;
  double forward_passes;  ///< Its cost.
  std::vector<double> seconds = {};

  double median() const {
    auto sorted = seconds;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

template <class Work>
double time_of(Context<Space> const& context, Work const& work) {
  context.fence("perf::before");
  auto const start = std::chrono::steady_clock::now();
  work();
  context.fence("perf::after");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double peak_memory_mib() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

/// θ, u, gradient and Hu with a batch of arbitrary tokens.
struct Problem {
  Problem(Context<Space> const& context, Case const& c)
      : model(c.config),
        workspace(context, model, c.shape, {.tangents = true, .keep_adjoints = true}),
        vectors(allocate<float>(context, "perf::vectors", 4 * model.layout().size())),
        tokens(allocate<Token>(context, "perf::tokens", c.shape.tokens())) {
    model.initialize(context, 1, vector(0));
    model.initialize(context, 2, vector(1));
    auto const host = Kokkos::create_mirror_view(tokens);
    for (Index i = 0; i < c.shape.tokens(); ++i)
      host(i) = static_cast<Token>(i * 7919 % c.config.vocabulary);
    Kokkos::deep_copy(context.space(), tokens, host);
    batch.shape = c.shape;
    batch.inputs = tokens;
    batch.targets = tokens;
    batch.weight = 1 / static_cast<double>(c.shape.tokens());
  }
  VectorView<float, Space> vector(Index i) const {
    return slice(vectors, i * model.layout().size(), model.layout().size());
  }

  Transformer<float> model;
  TransformerWorkspace<float> workspace;
  Vector<float, Space> vectors;
  Vector<Token, Space> tokens;
  layers::Batch<float, Space> batch;
};

void measure(Context<Space> const& context, Case const& c) {
  Problem p(context, c);
  auto const theta = p.vector(0), u = p.vector(1), g = p.vector(2), hu = p.vector(3);
  Samples gradient{"gradient", 3}, after{"HVP after gradient", 6}, both{"gradient and HVP", 9},
      alone{"HVP alone", 8};
  double peak = 0;
  for (int i = 0; i <= c.repetitions; ++i) {  // the first to warm up
    peak = std::max(peak, linalg::measure_gemm_rate<float>(context, 2048, 1));
    double const times[] = {
        time_of(context, [&] { p.model.gradient(p.workspace, theta, p.batch, g); }),
        time_of(context, [&] { p.model.hvp_after_gradient(p.workspace, theta, u, p.batch, hu); }),
        time_of(context, [&] { p.model.gradient_and_hvp(p.workspace, theta, u, p.batch, g, hu); }),
        time_of(context, [&] { p.model.hvp(p.workspace, theta, u, p.batch, hu); })};
    if (i == 0) continue;
    gradient.seconds.push_back(times[0]);
    after.seconds.push_back(times[1]);
    both.seconds.push_back(times[2]);
    alone.seconds.push_back(times[3]);
  }
  double const flops = p.model.forward_flops(c.shape);
  fmt::print(
      "{} parameters, {} x {} tokens, forward {:.2f} GFLOP, matrix products {:.0f} GFLOP/s\n",
      p.model.layout().size(), c.shape.batch, c.shape.length, flops / 1e9, peak / 1e9);
  for (auto const* s : {&gradient, &after, &both, &alone})
    fmt::print("{:20} {:9.1f} ms {:7.2f} x gradient {:6.1f} % of peak\n", s->name,
               1e3 * s->median(), s->median() / gradient.median(),
               100 * s->forward_passes * flops / s->median() / peak);
  fmt::print("workspace {:.0f} MiB, peak memory of the process {:.0f} MiB\n",
             static_cast<double>(p.workspace.bytes()) / 1048576, peak_memory_mib());
}

}  // namespace

int main(int argc, char** argv) {
  Case c;
  CLI::App app("Gradient and Hessian-vector products of a whole model", "perf_model");
  app.add_option("--depth", c.config.depth)->capture_default_str();
  app.add_option("--width", c.config.width)->capture_default_str();
  app.add_option("--heads", c.config.heads)->capture_default_str();
  app.add_option("--vocabulary", c.config.vocabulary)->capture_default_str();
  app.add_option("--batch", c.shape.batch)->capture_default_str();
  app.add_option("--length", c.shape.length)->capture_default_str();
  app.add_option("--repetitions", c.repetitions)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  c.config.context = std::max(c.config.context, c.shape.length);
  MPI_Init(&argc, &argv);
  Kokkos::initialize();
  measure(Context<Space>(MPI_COMM_WORLD), c);
  Kokkos::finalize();
  MPI_Finalize();
}
