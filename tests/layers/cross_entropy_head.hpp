// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/cross_entropy_head.hpp>

#include "../reference/cross_entropy_head.hpp"
#include "check_head.hpp"
#include "check_head_refusals.hpp"

#include <catch2/generators/catch_generators.hpp>

namespace kyrtos::testing::cross_entropy_head {

using Scalar = KYRTOS_TEST_SCALAR;
using Head = layers::CrossEntropyHead<Scalar, Space>;
using Batch = kyrtos::Batch<Scalar, Space>;

constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();

/// Targets in order, 0, 1, …; every `ignored`-th is negative.
inline std::vector<Token> some_targets(Index size, Index vocabulary, Index ignored = 4) {
  std::vector<Token> targets;
  for (Index i = 0; i < size; ++i)
    targets.push_back(static_cast<Token>(i % ignored == 2 ? -1 - i : i % vocabulary));
  return targets;
}

/// A batch of targets, with the memory they lie in.
struct Targets {
  Targets(SequenceShape shape, std::vector<Token> const& targets)
      : memory(on_device<Token>(targets)) {
    batch.shape = shape;
    batch.targets = memory;
    batch.weight = 0.3;
  }
  Vector<Token, Space> memory;
  Batch batch;
};

struct Case {
  Index vocabulary, width;
  SequenceShape shape;
  bool tied = false;
  double z_loss = 0;
  Index chunk_rows = 0;
};

inline void check(Case const& c, std::vector<Token> const& tokens) {
  INFO("vocabulary " << c.vocabulary << ", width " << c.width << ", z-loss " << c.z_loss
                     << ", chunks of " << c.chunk_rows);
  Head const head(c.vocabulary, c.width, c.tied, c.z_loss, 0.02, c.chunk_rows);
  Targets const targets(c.shape, tokens);
  check_head<Scalar>(head, targets.batch,
                     reference::CrossEntropyHead{static_cast<std::size_t>(c.width),
                                                 static_cast<std::size_t>(c.vocabulary), c.z_loss,
                                                 targets.batch.weight, tokens});
}

TEST_CASE("cross-entropy head", "[cross_entropy_head]") {
  bool const tied = GENERATE(false, true);
  double const z_loss = GENERATE(0.0, 0.05);
  Index const chunk_rows = GENERATE(0, 1, 4, 5, 12, 100);
  check({6, 3, {3, 4}, tied, z_loss, chunk_rows}, some_targets(12, 6));
}

TEST_CASE("cross-entropy head, rows around the width of vector registers", "[cross_entropy_head]") {
  Index const vocabulary = GENERATE(2, 63, 64, 65, 131);
  check({vocabulary, 4, {2, 3}, false, 0.05, 4}, some_targets(6, vocabulary));
  check({vocabulary, 4, {2, 3}}, std::vector<Token>(6, static_cast<Token>(vocabulary - 1)));
}

TEST_CASE("cross-entropy head, one row, one token, one feature", "[cross_entropy_head]") {
  check({5, 3, {1, 1}}, {4});
  check({7, 1, {2, 2}, false, 0.05}, {0, 6, -1, 6});
  check({1, 3, {2, 2}, false, 0.05}, {0, 0, -1, 0});  // only the z-loss is left
}

TEST_CASE("cross-entropy head, chunks of their own choice", "[cross_entropy_head]") {
  check({3, 2, {3, 700}}, some_targets(2100, 3, 5));
  auto const rows = [](Index vocabulary) { return Head(vocabulary, 2, false).chunk_rows(); };
  CHECK(Head(50'257, 2, false, 0, 0.02, 7).chunk_rows() == 7);
  if (!compat::has_teams_of_one<Space>) {  // as on a device: 2²⁸ outputs, 256 to 4096 rows
    CHECK(rows(3) == 4096);
    CHECK(rows(50'257) == 4096);
    CHECK(rows(128'256) == 2048);
    CHECK(rows(2'000'000) == 256);
    return;
  }
  // As many rows as keep 2²³ outputs, in multiples of 64, from 256 to 1024.
  CHECK(rows(3) == 1024);
  CHECK(rows(8192) == 1024);
  CHECK(rows(16'384) == 512);
  CHECK(rows(20'000) == 384);
  CHECK(rows(50'257) == 256);
  CHECK(rows(2'000'000) == 256);
}

TEST_CASE("cross-entropy head, where nobody is a target", "[cross_entropy_head]") {
  Index const chunk_rows = GENERATE(0, 2);
  Head const head(6, 3, false, 0.05, 0.02, chunk_rows);
  Targets const targets({2, 3}, {-1, -100, -1, -2, -1, -1});
  Context<Space> const context(MPI_COMM_SELF, {.poison_scratch = true});
  HeadInputs const in{random_numbers<Scalar>(18, 1), random_numbers<Scalar>(18, 2),
                      random_numbers<Scalar>(18, 3), random_numbers<Scalar>(18, 4)};
  Numbers const zeros(18, 0.0), start = random_numbers<Scalar>(18, 5);
  HeadOutputs const out = HeadPasses<Scalar>(context, head, targets.batch, in, {.start = start})();
  CHECK(out == HeadOutputs{0, 0, zeros, start, zeros, start});
}

/// Logits of one row without any arithmetic: width 1, x = 1, W = z, so that dW = D; ẋ = 0 and
/// Ẇ = ż, so that dẆ = Ḋ.
struct OneRow {
  Numbers z, z_dot;
  Token target;
  double z_loss = 0;

  HeadOutputs run() const {
    Head const head(static_cast<Index>(z.size()), 1, false, z_loss);
    Targets targets({1, 1}, {target});
    targets.batch.weight = 1;
    return HeadPasses<Scalar>(Context<Space>(MPI_COMM_SELF), head, targets.batch,
                              {{1}, z, {0}, z_dot}, {})();
  }
};

TEST_CASE("cross-entropy head, large logits in closed form", "[cross_entropy_head]") {
  // exp(160) is too large for a float, exp(-160) too small; log 2 drowns in 2⁶⁰.
  double const top = GENERATE(80.0, 0x1.0p60);
  Numbers const z{top, top, -top, 0}, z_dot{1, -3, 100, 7};
  for (Token const target : {0, 1, 2, 3}) {
    INFO("target " << target << ", largest logit " << top);
    auto const t = static_cast<std::size_t>(target);
    HeadOutputs const out = OneRow{z, z_dot, target}.run();
    CHECK(near(out.loss, std::log(2.0) + (top - z[t]), 2 * epsilon));
    CHECK(near(out.loss_dot, -1 - z_dot[t], 10 * epsilon));  // μ = (1 − 3)/2
    Numbers d{0.5, 0.5, 0, 0};
    d[t] -= 1;
    CHECK(near(out.dtheta, d, 10 * epsilon));
    CHECK(near(out.hu, {1, -1, 0, 0}, 10 * epsilon));  // p∘(ż − μ)
  }
}

TEST_CASE("cross-entropy head, z-loss in closed form", "[cross_entropy_head]") {
  // p = (1/3, 2/3), L = log 3, μ = (2 + 2·5)/3 = 4
  double const c = 0.25, log_sum = std::log(3.0), a = 1 + 2 * c * log_sum, mu = 4;
  HeadOutputs const out = OneRow{{0, std::log(2.0)}, {2, 5}, 0, c}.run();
  CHECK(near(out.loss, log_sum + c * log_sum * log_sum, 10 * epsilon));
  CHECK(near(out.loss_dot, a * mu - 2, 10 * epsilon));
  CHECK(near(out.dtheta, {a / 3 - 1, 2 * a / 3}, 10 * epsilon));
  CHECK(near(out.hu, {(2 * a + (2 * c - a) * mu) / 3, 2 * (5 * a + (2 * c - a) * mu) / 3},
             10 * epsilon));
}

TEST_CASE("cross-entropy head names its segments", "[cross_entropy_head]") {
  auto const specs = Head(10, 4, false, 0, 0.5).parameters();
  REQUIRE(specs.size() == 1);
  CHECK(specs[0].name == "weight");
  CHECK(specs[0].shape == std::vector<Index>{10, 4});
  CHECK(specs[0].initial.kind == Initialization::Kind::normal);
  CHECK(specs[0].initial.scale == 0.5);
  CHECK(specs[0].decay);
  CHECK(Head(10, 4, true).parameters().empty());
}

TEST_CASE("cross-entropy head refuses what does not fit", "[cross_entropy_head]") {
  Head const head(5, 3, false);
  Targets targets({2, 2}, {0, 1, 2, -1});
  check_head_refusals<Scalar>(head, targets.batch, 15);
  targets.batch.targets = slice(targets.memory, 0, 3);
  check_head_refuses<Scalar>(head, targets.batch, 15, "cross_entropy_head: 3 targets for 4 tokens");
  CHECK_THROWS_AS(Head(0, 3, false), ConfigError);
  CHECK_THROWS_AS(Head(5, 0, false), ConfigError);
  CHECK_THROWS_AS(Head(5, 3, false, -0.1), ConfigError);
  CHECK_THROWS_AS(Head(5, 3, false, 0, 0.02, -1), ConfigError);
}

}  // namespace kyrtos::testing::cross_entropy_head
