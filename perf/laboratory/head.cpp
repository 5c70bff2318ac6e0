// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The cross-entropy head in chunks of other lengths, in float32 and, where there is bfloat16, in
// that: laboratory_head [VOCABULARY [WIDTH [TOKENS]]]. The winner belongs in
// src/layers/projection_head.cpp.

#include <kyrtos/layers/cross_entropy_head.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "bench/layer_case.hpp"
#include "bench/suites.hpp"
#include "laboratory.hpp"
#include "layers/head_passes.hpp"
#include "reference/cross_entropy_head.hpp"
#include "support/dual.hpp"

#include <fmt/format.h>

namespace {

using namespace kyrtos;
using bench::Space;
using Head = layers::CrossEntropyHead<float, Space>;

/// Of the passes with a tangent over a small batch: loss and its derivative relative to themselves,
/// gradient and product along a random δ, which the reference of the tests gives on dual numbers.
double largest_error(Context<Space> const& context, Index chunk_rows) {
  using namespace testing;
  constexpr Index vocabulary = 70, width = 24, rows = 600;
  Head const head(vocabulary, width, true, 0, 0.02, chunk_rows);
  std::vector<Token> targets;
  for (Index i = 0; i < rows; ++i) targets.push_back(static_cast<Token>(i % vocabulary));
  auto const on_device_targets = on_device<Token>(targets);
  Batch<float, Space> batch;
  batch.shape = {1, rows};
  batch.targets = on_device_targets;
  batch.weight = 1.0 / static_cast<double>(rows);
  constexpr auto n = static_cast<std::size_t>(rows * width),
                 p = static_cast<std::size_t>(vocabulary * width);
  HeadInputs const in{random_numbers<float>(n, 1), random_numbers<float>(p, 2, 0.2),
                      random_numbers<float>(n, 3), random_numbers<float>(p, 4, 0.2)};
  auto const delta = random_numbers<float>(n + p, 5);
  auto const out = HeadPasses<float>(context, head, batch, in, {})();

  reference::CrossEntropyHead const reference{static_cast<std::size_t>(width),
                                              static_cast<std::size_t>(vocabulary), 0, batch.weight,
                                              targets};
  std::vector<Dual2> x, theta;
  for (std::size_t i = 0; i < n; ++i) x.push_back(seed(in.x[i], in.x_dot[i], delta[i]));
  for (std::size_t i = 0; i < p; ++i) theta.push_back(seed(in.theta[i], in.u[i], delta[n + i]));
  auto const loss = reference.loss(reference.outputs(batch.shape, x, theta));
  auto const along = [&](Numbers const& v, double slope) {
    return std::abs(dot(v, delta) - slope) / norm(v);
  };
  return std::max({std::abs(out.loss / number(loss) - 1),
                   std::abs(out.loss_dot / along_first(loss) - 1),
                   along(joined(out.dx, out.dtheta), along_second(loss)),
                   along(joined(out.dx_dot, out.hu), along_both(loss))});
}

std::vector<bench::Candidate> candidates(Index vocabulary, Index width, Index tokens) {
  std::vector<bench::Candidate> all;
  std::vector<train::Precision> precisions{train::Precision::float32};
  if (train::missing_for<Space>(train::Precision::bf16).empty())
    precisions.push_back(train::Precision::bf16);
  for (Index const rows : {0, 128, 256, 512, 1024}) {
    auto const name = rows == 0 ? std::string("in use") : std::to_string(rows);
    auto const head = std::make_shared<Head const>(vocabulary, width, true, 0, 0.02, rows);
    auto const one = bench::head_case(name, head, {1, tokens}, bench::DataKind::tokens);
    for (auto const& maker : bench::in_precisions({one}, precisions))
      all.push_back({maker, [rows](auto const& context) { return largest_error(context, rows); }});
  }
  return all;
}

}  // namespace

int main(int argc, char** argv) {
  return bench::in_laboratory(argc, argv, {50257, 768, 1024},
                              [](Context<Space> const& context, std::vector<Index> const& n) {
                                bench::compare(context, candidates(n[0], n[1], n[2]), 1e-4);
                              });
}
