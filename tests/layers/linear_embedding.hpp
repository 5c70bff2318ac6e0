// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/linear_embedding.hpp>

#include "../reference/linear_embedding.hpp"
#include "check_embedding.hpp"

#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace kyrtos::testing::linear_embedding {

using Scalar = KYRTOS_TEST_SCALAR;
using Embedding = layers::LinearEmbedding<Scalar, Space>;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

inline void check(Index features, Index width, Index positions, SequenceShape shape) {
  INFO(features << " features, width " << width << ", positions " << positions);
  Embedding const embedding(features, width, positions);
  Numbers const fields =
      random_numbers<Scalar>(static_cast<std::size_t>(shape.tokens() * features), 6);
  auto const inputs = on_device<Scalar>(fields);
  Batch<Scalar, Space> batch;
  batch.shape = shape;
  batch.input_fields = as_matrix(inputs, 0, shape.tokens(), features);
  check_embedding<Scalar>(embedding, batch,
                          reference::LinearEmbedding{static_cast<std::size_t>(features),
                                                     static_cast<std::size_t>(width),
                                                     static_cast<std::size_t>(positions), fields});
}

TEST_CASE("linear embedding", "[linear_embedding]") {
  auto const shape = GENERATE(SequenceShape{1, 1}, SequenceShape{2, 3}, SequenceShape{5, 7});
  Index const positions = GENERATE(0, 7, 9);  // none, full and with rows to spare
  check(3, 5, positions, shape);
}

TEST_CASE("linear embedding, one feature and many, narrow and wide", "[linear_embedding]") {
  check(1, 1, 2, {3, 2});
  check(1, 65, 0, {2, 2});
  check(130, 3, 70, {3, 70});
}

TEST_CASE("linear embedding names its segments", "[linear_embedding]") {
  auto const specs = Embedding(3, 5, 7, 0.5).parameters();
  REQUIRE(specs.size() == 3);
  CHECK(specs[0].name == "field.weight");
  CHECK(specs[0].shape == std::vector<Index>{5, 3});
  CHECK(specs[0].initial.scale == 0.5);
  CHECK(specs[0].decay);
  CHECK(specs[1].name == "field.bias");
  CHECK(specs[1].shape == std::vector<Index>{5});
  CHECK(specs[1].initial.scale == 0);
  CHECK_FALSE(specs[1].decay);
  CHECK(specs[2].name == "position.weight");
  CHECK(specs[2].shape == std::vector<Index>{7, 5});
  CHECK(Embedding(3, 5, 0).parameters().size() == 2);
}

TEST_CASE("linear embedding refuses what does not fit", "[linear_embedding]") {
  Context<Space> const context(MPI_COMM_SELF);
  Embedding const embedding(4, 2, 3);  // 16 parameters
  Vector<Scalar, Space> const theta("theta", 16), y("y", 100), fields("fields", 100);
  struct Extents {
    SequenceShape shape{2, 3};
    Index rows_in = 6, features = 4, parameters = 16, rows = 6, columns = 2;
  };
  auto const passes = [&](Extents const& e) {
    Batch<Scalar, Space> batch;
    batch.shape = e.shape;
    batch.input_fields = as_matrix(fields, 0, e.rows_in, e.features);
    auto const parameters = slice(theta, 0, e.parameters);
    embedding.forward(context, parameters, batch, as_matrix(y, 0, e.rows, e.columns));
    embedding.backward(context, batch, as_matrix(y, 0, e.rows, e.columns), parameters);
  };
  CHECK_NOTHROW(passes({}));
  context.fence("test");
  auto const says = [](char const* text) { return MessageMatches(ContainsSubstring(text)); };
  CHECK_THROWS_MATCHES(passes({.parameters = 15}), ShapeError,
                       says("linear_embedding: 15 parameters, but 16 are needed"));
  CHECK_THROWS_MATCHES(passes({.rows_in = 5}), ShapeError,
                       says("5 rows of input fields, but 6 are needed"));
  CHECK_THROWS_MATCHES(passes({.features = 3}), ShapeError,
                       says("3 input fields, but 4 are needed"));
  CHECK_THROWS_MATCHES(passes({.rows = 7}), ShapeError,
                       says("7 rows of features, but 6 are needed"));
  CHECK_THROWS_MATCHES(passes({.columns = 3}), ShapeError, says("3 features, but 2 are needed"));
  CHECK_THROWS_MATCHES(passes({.shape = {1, 4}, .rows_in = 4, .rows = 4}), ShapeError,
                       says("sequences of 4 rows, but the table of positions has 3 rows"));
  CHECK_THROWS_AS(Embedding(0, 2, 3), ConfigError);
  CHECK_THROWS_AS(Embedding(4, 0, 3), ConfigError);
  CHECK_THROWS_AS(Embedding(4, 2, -1), ConfigError);
}

}  // namespace kyrtos::testing::linear_embedding
