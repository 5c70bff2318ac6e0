// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/mean_squared_error_head.hpp>

#include "../reference/mean_squared_error_head.hpp"
#include "check_head.hpp"
#include "check_head_refusals.hpp"

#include <catch2/generators/catch_generators.hpp>

namespace kyrtos::testing::mean_squared_error_head {

using Scalar = KYRTOS_TEST_SCALAR;
using Head = layers::MeanSquaredErrorHead<Scalar, Space>;
using Batch = kyrtos::Batch<Scalar, Space>;

constexpr double epsilon = std::numeric_limits<Scalar>::epsilon();

/// A batch of target fields, with the memory they lie in.
struct Targets {
  Targets(SequenceShape shape, Index features, Numbers const& targets)
      : memory(on_device<Scalar>(targets)) {
    batch.shape = shape;
    batch.target_fields = as_matrix(memory, 0, shape.tokens(), features);
    batch.weight = 0.3;
  }
  Vector<Scalar, Space> memory;
  Batch batch;
};

inline void check(Index width, Index output_features, SequenceShape shape, Index chunk_rows = 0) {
  INFO("width " << width << ", " << output_features << " outputs, chunks of " << chunk_rows);
  Head const head(width, output_features, 0.02, chunk_rows);
  Numbers const fields =
      random_numbers<Scalar>(static_cast<std::size_t>(shape.tokens() * output_features), 6);
  Targets const targets(shape, output_features, fields);
  check_head<Scalar>(head, targets.batch,
                     reference::MeanSquaredErrorHead{static_cast<std::size_t>(width),
                                                     static_cast<std::size_t>(output_features),
                                                     targets.batch.weight, fields});
}

TEST_CASE("mean squared error head", "[mean_squared_error_head]") {
  Index const chunk_rows = GENERATE(0, 1, 4, 5, 12, 100);
  check(3, 5, {3, 4}, chunk_rows);
}

TEST_CASE("mean squared error head, rows around the width of vector registers",
          "[mean_squared_error_head]") {
  Index const outputs = GENERATE(1, 63, 64, 65, 131);
  check(4, outputs, {2, 3}, 4);
}

TEST_CASE("mean squared error head, one of everything, and chunks of its own choice",
          "[mean_squared_error_head]") {
  check(1, 1, {1, 1});
  check(2, 3, {3, 700});
}

TEST_CASE("mean squared error head in closed form", "[mean_squared_error_head]") {
  // z = (1·3 + 1, 2·3 − 1) = (4, 5) against (2, 6): errors 2 and −1; ż = x Ẇ + ẋ W + ḃ = (10, 4)
  Head const head(1, 2);
  Targets targets({1, 1}, 2, {2, 6});
  targets.batch.weight = 1;
  HeadOutputs const out = HeadPasses<Scalar>(Context<Space>(MPI_COMM_SELF), head, targets.batch,
                                             {{3}, {1, 2, 1, -1}, {2}, {2, 1, 2, -3}}, {})();
  CHECK(out.loss == 2.5);       // (4 + 1)/2
  CHECK(out.loss_dot == 16);    // 2·10 − 1·4
  CHECK(out.dx == Numbers{0});  // D = (2, −1)
  CHECK(out.dtheta == Numbers{6, -3, 2, -1});
  // Ḋ = ż: dẋ = Ḋ W + D Ẇ, dẆ = Ḋᵀx + Dᵀẋ
  CHECK(out.dx_dot == Numbers{18 + 3});
  CHECK(out.hu == Numbers{34, 10, 10, 4});
}

TEST_CASE("mean squared error head, where the fit is perfect", "[mean_squared_error_head]") {
  SequenceShape const shape{2, 3};
  Head const head(4, 5);
  Context<Space> const context(MPI_COMM_SELF);
  HeadInputs const in{random_numbers<Scalar>(24, 1), random_numbers<Scalar>(25, 2),
                      random_numbers<Scalar>(24, 3), random_numbers<Scalar>(25, 4)};
  Targets const any(shape, 5, Numbers(30, 0.0));
  Targets const perfect(shape, 5, HeadPasses<Scalar>(context, head, any.batch, in, {}).outputs());
  HeadOutputs const out = HeadPasses<Scalar>(context, head, perfect.batch, in, {})();
  CHECK(out.loss == 0);
  CHECK(out.loss_dot == 0);
  CHECK(norm(out.dx) == 0);
  CHECK(norm(out.dtheta) == 0);
  // Hessian and Gauss-Newton matrix are one there, and the latter knows of no targets at all.
  CHECK(norm(out.hu) > 0);
  CHECK(out == HeadPasses<Scalar>(context, head, perfect.batch, in, {.gauss_newton = true})());
  HeadOutputs const elsewhere =
      HeadPasses<Scalar>(context, head, any.batch, in, {.gauss_newton = true})();
  CHECK(elsewhere.hu == out.hu);
  CHECK(elsewhere.dx_dot == out.dx_dot);
}

TEST_CASE("mean squared error head names its segments", "[mean_squared_error_head]") {
  auto const specs = Head(4, 10, 0.5).parameters();
  REQUIRE(specs.size() == 2);
  CHECK(specs[0].name == "weight");
  CHECK(specs[0].shape == std::vector<Index>{10, 4});
  CHECK(specs[0].initial.kind == Initialization::Kind::normal);
  CHECK(specs[0].initial.scale == 0.5);
  CHECK(specs[0].decay);
  CHECK(specs[1].name == "bias");
  CHECK(specs[1].shape == std::vector<Index>{10});
  CHECK(specs[1].initial.scale == 0);
  CHECK_FALSE(specs[1].decay);
}

TEST_CASE("mean squared error head refuses what does not fit", "[mean_squared_error_head]") {
  Head const head(3, 5);
  Targets targets({2, 2}, 5, Numbers(20, 0.0));
  check_head_refusals<Scalar>(head, targets.batch, 20);
  targets.batch.target_fields = as_matrix(targets.memory, 0, 4, 4);
  check_head_refuses<Scalar>(
      head, targets.batch, 20,
      "mean_squared_error_head: target fields are [4, 4], but [4, 5] are needed");
  CHECK_THROWS_AS(Head(0, 5), ConfigError);
  CHECK_THROWS_AS(Head(3, 0), ConfigError);
  CHECK_THROWS_AS(Head(3, 5, 0.02, -1), ConfigError);
}

}  // namespace kyrtos::testing::mean_squared_error_head
