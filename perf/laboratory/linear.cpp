// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The forward products of a block's linear layers, y = x Wᵀ, by each way there is on CPUs:
// laboratory_linear [WIDTH [TOKENS]], with an MLP of 4 widths. Which way is best when belongs in
// src/linalg/gemm_onednn.cpp.

#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/gemm.hpp>

#include "bench/random.hpp"
#include "laboratory.hpp"
#include "linalg/gemm_providers.hpp"

#include <algorithm>
#include <cmath>

namespace {

using namespace kyrtos;
using bench::Space;
using linalg::Transpose;
using In = MatrixView<float const, Space>;
using Out = MatrixView<float, Space>;

/// y ← x Wᵀ
using Multiply = std::function<void(Context<Space> const&, In const&, In const&, Out const&)>;

struct Shape {
  char const* name;
  Index inputs, outputs;
};

bench::Case products(Context<Space> const& context, std::string const& name, Index width,
                     Index tokens, Multiply const& multiply) {
  bench::Case all{name, "layer", bench::Json::object(), {}};
  for (auto const& [layer, inputs, outputs] :
       {Shape{"qkv", width, 3 * width}, Shape{"output", width, width},
        Shape{"up", width, 4 * width}, Shape{"down", 4 * width, width}}) {
    Index const k = inputs, n = outputs;
    auto const x = bench::random_vector(context, "x", tokens * k, 1),
               w = bench::random_vector(context, "w", n * k, 2),
               y = allocate<float>(context, "y", tokens * n);
    auto const run = [=] {
      multiply(context, as_matrix(x, 0, tokens, k), as_matrix(w, 0, n, k),
               as_matrix(y, 0, tokens, n));
    };
    double const flops = 2.0 * static_cast<double>(tokens * inputs) * static_cast<double>(outputs);
    all.operations.push_back({layer, run, bench::Work::products(flops)});
  }
  return all;
}

/// Of [30, 70]·[20, 70]ᵀ, relative, against plain loops in double.
double error(Context<Space> const& context, Multiply const& multiply) {
  constexpr Index m = 30, n = 20, k = 70;
  auto const a = bench::random_vector(context, "a", m * k, 1),
             b = bench::random_vector(context, "b", n * k, 2),
             c = allocate<float>(context, "c", m * n);
  multiply(context, as_matrix(a, 0, m, k), as_matrix(b, 0, n, k), as_matrix(c, 0, m, n));
  context.fence("laboratory_linear");
  auto const on_host = [](auto const& v) {
    return Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), v);
  };
  auto const x = on_host(a), w = on_host(b), y = on_host(c);
  double square = 0, norm = 0;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      double sum = 0;
      for (Index l = 0; l < k; ++l) sum += double{x(i * k + l)} * double{w(j * k + l)};
      square += std::pow(y(i * n + j) - sum, 2);
      norm += sum * sum;
    }
  return std::sqrt(square / norm);
}

std::vector<bench::Candidate> candidates(Index width, Index tokens) {
  std::vector<bench::Candidate> all;
  auto const add = [&](std::string const& name, Multiply const& multiply) {
    auto const make = [=](Context<Space> const& context) {
      return products(context, name, width, tokens, multiply);
    };
    bench::CaseMaker const maker{name, make};
    all.push_back({maker, [=](auto const& context) { return error(context, multiply); }});
  };
  add("in use", [](auto const& context, In const& x, In const& w, Out const& y) {
    linalg::gemm(context, Transpose::no, Transpose::yes, 1, x, w, 0, y);
  });
  add("BLAS", [](auto const& context, In const& x, In const& w, Out const& y) {
    linalg::kokkos_kernels::gemm<float, Space>(context, Transpose::no, Transpose::yes, 1, x, w, 0,
                                               y);
  });
  if constexpr (linalg::onednn::supports<float, Space>)
    add("sgemm", [](auto const& context, In const& x, In const& w, Out const& y) {
      linalg::onednn::sgemm<Space>(context, Transpose::no, Transpose::yes, 1, x, w, 0, y);
    });
  if constexpr (linalg::onednn::has_plans<Space>)
    add("plan", [](auto const& context, In const& x, In const& w, Out const& y) {
      linalg::onednn::planned_gemm<Space>(context, Transpose::no, Transpose::yes, x, w, 0, y);
    });
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  return bench::in_laboratory(argc, argv, {384, 2048},
                              [](Context<Space> const& context, std::vector<Index> const& n) {
                                bench::compare(context, candidates(n[0], n[1]), 1e-5);
                              });
}
