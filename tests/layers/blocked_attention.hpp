// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/attention.hpp>

#include "../reference/attention.hpp"
#include "../support/rounded_products.hpp"
#include "check_layer.hpp"

#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

// Attention by batched products: the contract of a layer against plain loops, alone and mixed with
// streamed passes; factors of fewer bits; probabilities that sum to one; what it holds.

namespace kyrtos::testing::blocked_attention {

using Scalar = KYRTOS_TEST_SCALAR;
using Attention = layers::Attention<Scalar, Space>;
using layers::AttentionMethod;
using layers::AttentionOptions;

constexpr Index one_pair = 1;  ///< Bytes for one pair of sequence and key head, in blocks of 16.

inline AttentionOptions blocked(AttentionOptions options, Index working_bytes = 0) {
  options.method = AttentionMethod::blocked;
  options.working_bytes = working_bytes;
  return options;
}
inline AttentionOptions streamed(AttentionOptions options) {
  options.method = AttentionMethod::streamed;
  return options;
}

inline reference::Attention reference_of(AttentionOptions const& o) {
  return {static_cast<std::size_t>(o.heads),
          static_cast<std::size_t>(o.kv_heads),
          static_cast<std::size_t>(o.head_size),
          o.causal,
          o.soft_cap,
          static_cast<std::size_t>(o.window)};
}

inline void check(Attention const& layer, SequenceShape shape) {
  auto const& o = layer.options();
  INFO("heads " << o.heads << "/" << o.kv_heads << " of " << o.head_size << ", causal " << o.causal
                << ", soft cap " << o.soft_cap << ", window " << o.window << ", working bytes "
                << o.working_bytes);
  check_layer<Scalar>(layer, shape, reference_of(o));
}

TEST_CASE("blocked attention, every option", "[attention]") {
  bool const causal = GENERATE(true, false);
  double const soft_cap = GENERATE(0.0, 1.5);
  Index const kv_heads = GENERATE(2, 1);
  check(Attention(blocked({2, kv_heads, 5, causal, soft_cap})), {2, 7});
}

TEST_CASE("blocked attention, head sizes", "[attention]") {
  Index const head_size = GENERATE(1, 16, 20, 64);
  check(Attention(blocked({1, 1, head_size, true, 2.0})), {1, 5});
}

/// Of 16 and of 128 queries.
TEST_CASE("blocked attention, lengths around the sizes of blocks", "[attention]") {
  Index const length = GENERATE(1, 15, 16, 17, 33, 130);
  bool const causal = GENERATE(true, false);
  Index const bytes = GENERATE(one_pair, Index{0});
  check(Attention(blocked({1, 1, 4, causal, 0}, bytes)), {1, length});
}

TEST_CASE("blocked attention, batches and groups of heads in several groups and blocks",
          "[attention]") {
  Index const bytes = GENERATE(one_pair, Index{60'000}, Index{0});
  check(Attention(blocked({4, 2, 8, true, 3.0}, bytes)), {3, 70});
  check(Attention(blocked({3, 1, 8, false, 0}, bytes)), {2, 66});
}

TEST_CASE("blocked attention within windows", "[attention]") {
  Index const window = GENERATE(1, 3, 16, 37, 64, 130);
  double const soft_cap = GENERATE(0.0, 1.5);
  check(Attention(blocked({2, 1, 4, true, soft_cap, window}, one_pair)), {1, 150});
}

/// Streamed forward passes and blocked backward passes, or the other way round.
class Mixed : public Attention {
 public:
  Mixed(AttentionOptions const& forward, AttentionOptions const& backward)
      : Attention(backward), forward_(forward) {}

  void forward(Context<Space> const& context, ConstVector theta, Pass const& p) const override {
    forward_.forward(context, theta, p);
  }
  void tangent_forward(Context<Space> const& context, ConstVector theta, ConstVector u,
                       Pass const& p, Pass const& t) const override {
    forward_.tangent_forward(context, theta, u, p, t);
  }

 private:
  Attention forward_;
};

TEST_CASE("blocked and streamed passes go together", "[attention]") {
  AttentionOptions const options{2, 1, 6, true, 2.0, 30};
  check(Mixed(streamed(options), blocked(options, one_pair)), {2, 50});
  check(Mixed(blocked(options, one_pair), streamed(options)), {2, 50});
}

/// The four passes between random numbers, in this context.
inline LayerOutputs outputs_of(Context<Space> const& context, AttentionOptions const& options,
                               SequenceShape shape, double scale = 1) {
  layers::Attention<Scalar, Space> const layer(options);
  auto const from = static_cast<std::size_t>(shape.tokens() * layer.in_features()),
             to = static_cast<std::size_t>(shape.tokens() * layer.out_features());
  LayerInputs const in{.x = random_numbers<Scalar>(from, 1, scale),
                       .theta = {},
                       .x_dot = random_numbers<Scalar>(from, 2),
                       .u = {},
                       .dy = random_numbers<Scalar>(to, 3),
                       .dy_dot = random_numbers<Scalar>(to, 4)};
  return LayerPasses<Scalar>(context, layer, shape, in, {}).run();
}

TEST_CASE("blocked attention gives what streamed attention does", "[attention]") {
  bool const causal = GENERATE(true, false);
  Context<Space> const context(MPI_COMM_SELF);
  AttentionOptions const options{4, 2, 32, causal, 0};
  SequenceShape const shape{2, 300};
  auto const found = outputs_of(context, blocked(options), shape);
  auto const wanted = outputs_of(context, streamed(options), shape);
  double const tolerance = 500 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
  CHECK(near(found.y, wanted.y, tolerance));
  CHECK(near(found.y_dot, wanted.y_dot, tolerance));
  CHECK(near(found.dx, wanted.dx, tolerance));
  CHECK(near(found.dx_dot, wanted.dx_dot, tolerance));
}

TEST_CASE("how attention is divided changes no more than rounding", "[attention]") {
  Context<Space> const context(MPI_COMM_SELF);
  AttentionOptions const options{4, 2, 8, true, 0};
  SequenceShape const shape{3, 140};
  auto const wanted = outputs_of(context, blocked(options), shape);
  for (Index const bytes : {one_pair, Index{100'000}, Index{1'000'000}}) {
    auto const found = outputs_of(context, blocked(options, bytes), shape);
    double const tolerance = 500 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
    CHECK(near(found.y, wanted.y, tolerance));
    CHECK(near(found.dx, wanted.dx, tolerance));
    CHECK(near(found.dx_dot, wanted.dx_dot, tolerance));
  }
}

inline double relative_distance(Numbers const& found, Numbers const& wanted) {
  return distance(found, wanted) / norm(wanted);
}

/// Each product errs by some u, as its factors do; passes have up to four products one after the
/// other.
TEST_CASE("blocked attention with rounded factors errs by some roundings", "[attention]") {
  if (!std::is_same_v<Scalar, float>) SKIP("factors of float64 are not rounded");
  auto const format = GENERATE(from_range(available_formats()));
  Context<Space> const plain(MPI_COMM_SELF);
  auto const rounding = rounding_context(plain, format);
  for (auto const& options : {AttentionOptions{2, 1, 16, true, 0}, {2, 2, 32, true, 2.0, 50}}) {
    SequenceShape const shape{2, 140};
    auto const found = outputs_of(rounding, blocked(options, 200'000), shape);
    auto const wanted = outputs_of(plain, blocked(options, 200'000), shape);
    double const u = unit_roundoff(format);
    for (auto const& [rounded, exact] : {std::pair(&found.y, &wanted.y),
                                         {&found.y_dot, &wanted.y_dot},
                                         {&found.dx, &wanted.dx},
                                         {&found.dx_dot, &wanted.dx_dot}}) {
      double const error = relative_distance(*rounded, *exact);
      CHECK(error < 4 * u);
      CHECK(error > u / 50);
    }
    CHECK(outputs_of(rounding, blocked(options, 200'000), shape) == found);  // bit by bit
  }
}

/// One head as long as it is wide, so that adjoints can be the identity: dV is then Pᵀ.
class Probabilities {
 public:
  static constexpr Index n = 150;

  /// Largest |score| = `largest`.
  Probabilities(Context<Space> const& context, double largest)
      : context_(context), queries_and_keys_(random_numbers<Scalar>(n * 2 * n, 7)) {
    double most = 0;
    for (Index i = 0; i < n; ++i)
      for (Index j = 0; j <= i; ++j) {
        double score = 0;
        for (Index d = 0; d < n; ++d) score += q(i, d) * q(j, n + d);
        most = std::max(most, std::abs(score) / std::sqrt(double(n)));
      }
    for (double& value : queries_and_keys_) value *= std::sqrt(largest / most);
  }

  /// Sums of each row, as each pass computed it.
  std::vector<Numbers> sums() const {
    Numbers const ones(n * n, 1.0), zeros(n * n, 0.0);
    Numbers identity(n * n, 0.0);
    for (Index i = 0; i < n; ++i) identity[static_cast<std::size_t>(i * n + i)] = 1;
    Numbers x_dot(n * 3 * n, 0.0);
    for (Index i = 0; i < n; ++i) std::fill_n(x_dot.begin() + i * 3 * n + 2 * n, n, 1.0);
    auto const of_ones = run(packed(ones), Numbers(n * 3 * n, 0.0), identity, zeros);
    auto const of_tangent = run(packed(zeros), x_dot, zeros, identity);
    return {first_column(of_ones.y), first_column(of_tangent.y_dot), column_sums(of_ones.dx),
            column_sums(of_tangent.dx_dot)};
  }

 private:
  double q(Index token, Index column) const {
    return queries_and_keys_[static_cast<std::size_t>(token * 2 * n + column)];
  }
  Numbers packed(Numbers const& values) const {
    Numbers x;
    for (Index i = 0; i < n; ++i) {
      auto const row = queries_and_keys_.begin() + i * 2 * n;
      x.insert(x.end(), row, row + 2 * n);
      x.insert(x.end(), values.begin() + i * n, values.begin() + (i + 1) * n);
    }
    return x;
  }
  LayerOutputs run(Numbers const& x, Numbers const& x_dot, Numbers const& dy,
                   Numbers const& dy_dot) const {
    Attention const layer(blocked({1, 1, n, true, 0}, one_pair));
    LayerInputs const in{x, {}, x_dot, {}, dy, dy_dot};
    return LayerPasses<Scalar>(context_, layer, {1, n}, in, {}).run();
  }
  /// y = PV of V full of ones.
  static Numbers first_column(Numbers const& y) {
    Numbers sums;
    for (Index i = 0; i < n; ++i) sums.push_back(y[static_cast<std::size_t>(i * n)]);
    return sums;
  }
  /// Over the keys j, of dV(j, i) = P(i, j).
  static Numbers column_sums(Numbers const& dx) {
    Numbers sums(n, 0.0);
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < n; ++i)
        sums[static_cast<std::size_t>(i)] += dx[static_cast<std::size_t>(j * 3 * n + 2 * n + i)];
    return sums;
  }

  Context<Space> context_;
  Numbers queries_and_keys_;
};

/// A score of 200 that a pass rounds in another way than the forward pass, by 2⁻⁹ in bfloat16,
/// would make e^0.4 of 1. What is left is the rounding of P, and that of numbers of size 200.
inline void check_sums(Context<Space> const& context, double roundoff) {
  for (double const largest : {1.0, 200.0}) {
    double const epsilon = static_cast<double>(std::numeric_limits<Scalar>::epsilon());
    double const tolerance = roundoff + (20 + 4 * largest) * epsilon;
    char const* const passes[] = {"forward", "tangent forward", "backward", "tangent backward"};
    auto const found = Probabilities(context, largest).sums();
    for (std::size_t pass = 0; pass < found.size(); ++pass) {
      INFO(passes[pass] << " with scores up to " << largest);
      double worst = 0;
      for (double const sum : found[pass]) worst = std::max(worst, std::abs(sum - 1));
      CHECK(worst <= tolerance);
    }
  }
}

TEST_CASE("blocked attention: probabilities sum to one in every pass", "[attention]") {
  check_sums(Context<Space>(MPI_COMM_SELF), 0);
}

TEST_CASE("blocked attention: so do those of rounded factors", "[attention]") {
  if (!std::is_same_v<Scalar, float>) SKIP("factors of float64 are not rounded");
  auto const format = GENERATE(from_range(available_formats()));
  check_sums(rounding_context(Context<Space>(MPI_COMM_SELF), format), unit_roundoff(format));
}

TEST_CASE("blocked attention takes the scratch that it says", "[attention]") {
  Index const bytes = GENERATE(one_pair, Index{200'000}, Index{0});
  auto const options = blocked({4, 2, 8, true, 0}, bytes);
  SequenceShape const shape{3, 140};
  Context<Space> const context(MPI_COMM_SELF);
  outputs_of(context, options, shape);
  CHECK(static_cast<Index>(context.scratch_capacity()) ==
        Attention(options).scratch_bytes(context, shape, true));
  CHECK(Attention(options).scratch_bytes(context, shape, false) <
        Attention(options).scratch_bytes(context, shape, true));
  CHECK(Attention(streamed(options)).scratch_bytes(context, shape, true) == 0);
}

/// Beside the limit there are D and Ḋ, two numbers a token and head.
TEST_CASE("blocked attention holds memory linear in the length, within its limit", "[attention]") {
  Context<Space> const context(MPI_COMM_SELF, {.counts_memory = true});
  auto const bytes = [&](Index limit, Index length) {
    return Attention(blocked({8, 8, 64, true, 0}, limit)).scratch_bytes(context, {2, length}, true);
  };
  for (Index length = 1024; length <= 4096; length *= 2) {
    double const growth = static_cast<double>(bytes(one_pair, 2 * length)) /
                          static_cast<double>(bytes(one_pair, length));
    CHECK(growth < 2.02);
    CHECK(growth > 1.9);
  }
  constexpr Index limit = Index{64} << 20;
  for (Index length = 1024; length <= 8192; length *= 2)
    CHECK(bytes(limit, length) <= limit + 2 * 2 * length * 8 * Index{sizeof(Scalar)});
}

TEST_CASE("attention is blocked where that is asked for or known to gain", "[attention]") {
  Context<Space> const context(MPI_COMM_SELF);
  AttentionOptions const options{2, 2, 8};
  for (Index const length : {16, 255, 256, 4095, 4096, 8192}) {
    SequenceShape const shape{1, length};
    CHECK(Attention(blocked(options)).is_blocked(context, shape));
    CHECK(!Attention(streamed(options)).is_blocked(context, shape));
    bool const gains = std::is_same_v<Scalar, float> && length >= 256;
    CHECK(Attention(options).is_blocked(context, shape) == (gains && !compat::runs_on_host<Space>));
    for (auto const format : available_formats()) {
      bool const has_unit = format == linalg::FactorFormat::bfloat16 && length >= 4096;
      CHECK(Attention(options).is_blocked(rounding_context(context, format), shape) ==
            (gains && (!compat::runs_on_host<Space> || has_unit)));
    }
  }
  CHECK_THROWS_AS(Attention(blocked(options, -1)), ConfigError);
}

}  // namespace kyrtos::testing::blocked_attention
