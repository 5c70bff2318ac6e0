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
                << ", soft cap " << o.soft_cap << ", window " << o.window << ", backward "
                << static_cast<int>(o.backward));
  reference::Attention const reference{static_cast<std::size_t>(o.heads),
                                       static_cast<std::size_t>(o.kv_heads),
                                       static_cast<std::size_t>(o.head_size),
                                       o.causal,
                                       o.soft_cap,
                                       static_cast<std::size_t>(o.window)};
  check_layer<Scalar>(layer, shape, reference);
}

TEST_CASE("attention, every option", "[attention]") {
  bool const causal = GENERATE(true, false);
  double const soft_cap = GENERATE(0.0, 1.5);
  Index const kv_heads = GENERATE(2, 1);
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  check_attention({2, kv_heads, 5, causal, soft_cap, 0, backward}, {2, 7});
}

TEST_CASE("attention, every kind of head size", "[attention]") {
  Index const head_size = GENERATE(1, 16, 20, 32, 64, 128);
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  check_attention({1, 1, head_size, true, 2.0, 0, backward}, {1, 5});
}

TEST_CASE("attention, lengths around the sizes of tiles and blocks", "[attention]") {
  Index const length = GENERATE(1, 8, 33, 64, 67, 130);
  bool const causal = GENERATE(true, false);
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  check_attention({1, 1, 4, causal, 0, 0, backward}, {1, length});
}

TEST_CASE("attention, batches and groups of heads over several tiles", "[attention]") {
  check_attention({4, 2, 8, true, 3.0}, {3, 140});
  check_attention({3, 1, 8, false, 0}, {2, 132});
}

TEST_CASE("attention within a window, every option", "[attention]") {
  Index const window = GENERATE(1, 3, 9);
  double const soft_cap = GENERATE(0.0, 1.5);
  Index const kv_heads = GENERATE(2, 1);
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  check_attention({2, kv_heads, 5, true, soft_cap, window, backward}, {2, 7});
}

/// Whole tiles lie outside, before the window and after it.
TEST_CASE("attention within windows that divide no tile, and some that do", "[attention]") {
  Index const window = GENERATE(1, 8, 37, 64, 130);
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  check_attention({1, 1, 4, true, 0, window, backward}, {1, 290});
}

TEST_CASE("attention within a window, groups of heads over several tiles", "[attention]") {
  check_attention({4, 2, 8, true, 3.0, 50}, {2, 140});
  check_attention({2, 1, 32, true, 0, 3}, {1, 200});
}

/// The four passes between random numbers, but for the rows of x of the first `bad` tokens.
inline LayerOutputs outputs_of(layers::AttentionOptions const& options, SequenceShape shape,
                               Index bad = 0) {
  using Scalar = KYRTOS_TEST_SCALAR;
  layers::Attention<Scalar, Space> const layer(options);
  auto const from = static_cast<std::size_t>(shape.tokens() * layer.in_features()),
             to = static_cast<std::size_t>(shape.tokens() * layer.out_features());
  LayerInputs in{.x = random_numbers<Scalar>(from, 1),
                 .theta = {},
                 .x_dot = random_numbers<Scalar>(from, 2),
                 .u = {},
                 .dy = random_numbers<Scalar>(to, 3),
                 .dy_dot = random_numbers<Scalar>(to, 4)};
  std::fill_n(in.x.begin(), bad * layer.in_features(), std::nan(""));
  Context<Space> const context(MPI_COMM_SELF);
  return LayerPasses<Scalar>(context, layer, shape, in, {}).run();
}

TEST_CASE("a window as long as the sequence changes no bit of attention", "[attention]") {
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  SequenceShape const shape{2, 141};
  auto const wanted = outputs_of({2, 1, 8, true, 2.0, 0, backward}, shape);
  for (Index const window : {Index{141}, Index{142}, Index{1} << 40})
    CHECK(outputs_of({2, 1, 8, true, 2.0, window, backward}, shape) == wanted);
  CHECK(!(outputs_of({2, 1, 8, true, 2.0, 140, backward}, shape) == wanted));
}

/// Weights of zero would not hide it: NaN times zero is NaN.
TEST_CASE("attention leaves out what lies far outside of the window", "[attention]") {
  auto const backward =
      GENERATE(layers::AttentionBackward::fused, layers::AttentionBackward::split);
  constexpr Index length = 600, window = 20, bad = 2, tile = 128;
  auto const out = outputs_of({1, 1, 8, true, 0, window, backward}, {1, length}, bad);
  auto const is_finite_from = [](Numbers const& rows, Index token) {
    auto const first = rows.begin() + token * (static_cast<Index>(rows.size()) / length);
    return std::all_of(first, rows.end(), [](double v) { return std::isfinite(v); });
  };
  CHECK(!is_finite_from(out.y, 0));
  CHECK(is_finite_from(out.y, bad + window + tile));
  CHECK(is_finite_from(out.y_dot, bad + window + tile));
  CHECK(is_finite_from(out.dx, bad + 2 * (window + tile)));
  CHECK(is_finite_from(out.dx_dot, bad + 2 * (window + tile)));
}

TEST_CASE("attention counts the pairs that there are", "[attention]") {
  using Layer = layers::Attention<KYRTOS_TEST_SCALAR, Space>;
  SequenceShape const shape{3, 11};
  for (bool const causal : {true, false})
    for (Index const window : {0, 1, 4, 10, 11, 50}) {
      if (!causal && window > 0) continue;
      INFO("causal " << causal << ", window " << window);
      Index pairs = 0;
      for (Index i = 0; i < shape.length; ++i)
        for (Index j = 0; j < shape.length; ++j)
          pairs += (!causal || j <= i) && (window == 0 || i - j < window) ? 1 : 0;
      Layer const layer({4, 2, 5, causal, 0, window});
      CHECK(layer.forward_flops(shape) == static_cast<double>(4 * shape.batch * 4 * 5 * pairs));
    }
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
  auto const [causal, window] =
      GENERATE(Catch::Generators::table<bool, Index>({{true, 0}, {false, 0}, {true, 5}}));
  double const soft_cap = GENERATE(0.0, 0.8);
  constexpr Index heads = 4, kv_heads = 2, d = 3, packed = (heads + 2 * kv_heads) * d;
  SequenceShape const shape{2, 70};
  layers::Attention<Scalar, Space> const layer({heads, kv_heads, d, causal, soft_cap, window});
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
        if (window > 0 && i - j >= window) continue;
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
  CHECK_THROWS_AS(Layer({2, 2, 8, true, 0, -1}), ConfigError);
  CHECK_THROWS_AS(Layer({2, 2, 8, false, 0, 3}), ConfigError);
}

}  // namespace kyrtos::testing
