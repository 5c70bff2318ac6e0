// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/attention.hpp>

#include "../reference/attention.hpp"
#include "check_layer.hpp"

#include <catch2/generators/catch_generators.hpp>

namespace kyrtos::testing {

/// Sums of about 100 terms in float lose a few digits more than the default tolerance allows.
constexpr double attention_tolerance = 200;

inline void check_attention(layers::AttentionOptions const& options, SequenceShape shape) {
  using Scalar = KYRTOS_TEST_SCALAR;
  layers::Attention<Scalar, Space> const layer(options);
  auto const& o = layer.options();
  INFO("heads " << o.heads << "/" << o.kv_heads << " of " << o.head_size << ", causal " << o.causal
                << ", soft cap " << o.soft_cap << ", backward " << static_cast<int>(o.backward));
  reference::Attention const reference{static_cast<std::size_t>(o.heads),
                                       static_cast<std::size_t>(o.kv_heads),
                                       static_cast<std::size_t>(o.head_size), o.causal, o.soft_cap};
  check_layer<Scalar>(layer, shape, reference);
}

TEST_CASE("attention, every option", "[attention]") {
  bool const causal = GENERATE(true, false);
  double const soft_cap = GENERATE(0.0, 1.5);
  Index const kv_heads = GENERATE(2, 1);
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  check_attention({2, kv_heads, 5, causal, soft_cap, backward}, {2, 7});
}

TEST_CASE("attention, every kind of head size", "[attention]") {
  Index const head_size = GENERATE(1, 16, 20, 32, 64, 128);
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  check_attention({1, 1, head_size, true, 2.0, backward}, {1, 5});
}

TEST_CASE("attention, lengths around the sizes of tiles and blocks", "[attention]") {
  Index const length = GENERATE(1, 8, 33, 64, 67, 130);
  bool const causal = GENERATE(true, false);
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  check_attention({1, 1, 4, causal, 0, backward}, {1, length});
}

TEST_CASE("attention, batches and groups of heads over several tiles", "[attention]") {
  check_attention({4, 2, 8, true, 3.0}, {3, 140});
  check_attention({3, 1, 8, false, 0}, {2, 132});
}

TEST_CASE("attention stays finite where every score but one is hopeless", "[attention]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  layers::Attention<Scalar, Space> const layer({1, 1, 1, true, 0});
  Context<Space> const context(MPI_COMM_SELF);
  SequenceShape const shape{1, 3};
  Vector<Scalar, Space> x("x", 9), y("y", 3), saved("saved", 6);
  auto const h = Kokkos::create_mirror_view(x);
  // q k v: scores of the last query are 0, 1e4, -1e4
  Scalar const rows[9] = {0, 0, 1, 0, 100, 2, 100, -100, 3};
  for (int i = 0; i < 9; ++i) h(i) = rows[i];
  Kokkos::deep_copy(x, h);
  layer.forward(context, {}, {shape, as_matrix(x, 0, 3, 3), as_matrix(y, 0, 3, 1), saved});
  context.fence("test");
  auto const out = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), y);
  CHECK(out(0) == 1);
  CHECK(std::abs(out(1) - Scalar(1.5)) < 1e-6);
  CHECK(std::abs(out(2) - 2) < 1e-6);
}

TEST_CASE("attention tells the largest score of each head", "[attention]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  bool const causal = GENERATE(true, false);
  double const soft_cap = GENERATE(0.0, 0.8);
  constexpr Index heads = 4, kv_heads = 2, d = 3, packed = (heads + 2 * kv_heads) * d;
  SequenceShape const shape{2, 70};
  layers::Attention<Scalar, Space> const layer({heads, kv_heads, d, causal, soft_cap});
  Context<Space> const context(MPI_COMM_SELF);
  auto const values =
      random_numbers<Scalar>(static_cast<std::size_t>(shape.tokens() * packed), 1, 2.0);
  auto const row = [&](Index token, Index slot) {
    return &values[size_t(token * packed + slot * d)];
  };
  Numbers expected(heads, -1e30);
  for (Index h = 0; h < heads; ++h)
    for (Index i = 0; i < shape.tokens(); ++i)
      for (Index j = 0; j < shape.tokens(); ++j) {
        if (i / shape.length != j / shape.length || (causal && j > i)) continue;
        double score = 0;
        for (Index e = 0; e < d; ++e)
          score += row(i, h)[e] * row(j, heads + h / 2)[e] / std::sqrt(double(d));
        if (soft_cap > 0) score = soft_cap * std::tanh(score / soft_cap);
        expected[size_t(h)] = std::max(expected[size_t(h)], score);
      }
  expected[1] += 1;  // known from an earlier pass
  auto const x = on_device<Scalar>(values);
  auto const largest = on_device<Scalar>(Numbers{-1e30, expected[1], -1e30, -1e30});
  Vector<Scalar, Space> y("y", shape.tokens() * heads * d), saved("saved", layer.saved_size(shape));
  typename layers::Attention<Scalar, Space>::Pass const p{
      shape, as_matrix(x, 0, shape.tokens(), packed), as_matrix(y, 0, shape.tokens(), heads * d),
      saved};
  layer.forward(context, {}, p);
  layer.update_head_max(context, p, largest);
  context.fence("test");
  CHECK(near(on_host(largest), expected, 100 * std::numeric_limits<Scalar>::epsilon()));
}

TEST_CASE("attention refuses options that make no sense", "[attention]") {
  using Layer = layers::Attention<KYRTOS_TEST_SCALAR, Space>;
  CHECK_THROWS_AS(Layer({3, 2, 8}), ConfigError);
  CHECK_THROWS_AS(Layer({2, 2, 0}), ConfigError);
  CHECK_THROWS_AS(Layer({2, 2, 8, true, -1.0}), ConfigError);
}

}  // namespace kyrtos::testing
