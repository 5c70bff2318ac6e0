// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/gemm_rate.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/transformer.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fmt/core.h>
#include <vector>

using namespace kyrtos;
using Space = Kokkos::DefaultExecutionSpace;

template <class F>
double seconds(Context<Space> const& c, F const& f) {
  c.fence("t");
  auto const a = std::chrono::steady_clock::now();
  f();
  c.fence("t");
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - a).count();
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize();
  {
    Context<Space> context(MPI_COMM_WORLD);
    bool const gpt2 = argc > 1 && std::string(argv[1]) == "gpt2";
    TransformerConfig config;
    config.vocabulary = gpt2 ? 50257 : 256;
    config.depth = gpt2 ? 12 : 6;
    config.width = gpt2 ? 768 : 384;
    config.heads = gpt2 ? 12 : 6;
    SequenceShape shape{gpt2 ? 4 : 8, 256};
    Transformer<float> model(config);
    TransformerWorkspace<float> ws(context, model, shape,
                                   {.tangents = true, .keep_adjoints = true});
    Index const n = model.layout().size();
    auto theta = allocate<float>(context, "theta", n), g = allocate<float>(context, "g", n),
         u = allocate<float>(context, "u", n), hu = allocate<float>(context, "hu", n);
    model.initialize(context, 1, theta);
    model.initialize(context, 2, u);
    auto tokens = allocate<Token>(context, "tokens", shape.tokens());
    for (Index i = 0; i < shape.tokens(); ++i)
      tokens(i) = static_cast<Token>((i * 7919) % config.vocabulary);
    layers::Batch<float, Space> batch;
    batch.shape = shape;
    batch.inputs = tokens;
    batch.targets = tokens;
    batch.weight = 1.0 / static_cast<double>(shape.tokens());
    std::vector<double> tg, th, tb, ta, peak;
    int const reps = argc > 2 ? std::atoi(argv[2]) : 7;
    for (int i = 0; i < reps; ++i) {
      peak.push_back(linalg::measure_gemm_rate<float>(context));
      tg.push_back(seconds(context, [&] { model.gradient(ws, theta, batch, g); }));
      th.push_back(seconds(context, [&] { model.hvp_after_gradient(ws, theta, u, batch, hu); }));
      tb.push_back(seconds(context, [&] { model.gradient_and_hvp(ws, theta, u, batch, g, hu); }));
      ta.push_back(seconds(context, [&] { model.hvp(ws, theta, u, batch, hu); }));
    }
    auto median = [](std::vector<double> v) {
      std::sort(v.begin(), v.end());
      return v[v.size() / 2];
    };
    double const f = model.forward_flops(shape), G = median(tg), P = median(peak);
    fmt::print("peak {:.0f} GFLOP/s, forward {:.2f} GFLOP, workspace {:.0f} MiB\n", P / 1e9, f / 1e9,
               static_cast<double>(ws.bytes()) / 1048576);
    auto row = [&](char const* name, double t, double flops) {
      fmt::print("{:22} {:8.1f} ms  {:5.2f} x gradient  {:5.1f} % of peak\n", name, 1e3 * t, t / G,
                 100 * flops / t / P);
    };
    row("gradient", G, 3 * f);
    row("hvp after gradient", median(th), 6 * f);
    row("gradient and hvp", median(tb), 9 * f);
    row("hvp alone", median(ta), 8 * f);
  }
  Kokkos::finalize();
  MPI_Finalize();
}
