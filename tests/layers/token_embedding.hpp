// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/token_embedding.hpp>

#include "../reference/token_embedding.hpp"
#include "check_embedding.hpp"

#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

namespace kyrtos::testing::token_embedding {

using Scalar = KYRTOS_TEST_SCALAR;
using Embedding = layers::TokenEmbedding<Scalar, Space>;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::MessageMatches;

constexpr Index block = Embedding::block_rows;

/// Tokens of a random text in which small identifiers are the more frequent ones.
inline std::vector<Token> random_tokens(Index size, Index vocabulary) {
  std::vector<Token> tokens;
  for (std::uint64_t i = 0; i < static_cast<std::uint64_t>(size); ++i) {
    double const x = Philox{7, 1}.uniform(i);
    tokens.push_back(static_cast<Token>(x * x * static_cast<double>(vocabulary)));
  }
  return tokens;
}

struct Case {
  Index vocabulary, width, positions;
  SequenceShape shape;
};

inline void check(Case const& c, std::vector<Token> const& tokens) {
  INFO("vocabulary " << c.vocabulary << ", width " << c.width << ", positions " << c.positions);
  Embedding const embedding(c.vocabulary, c.width, c.positions);
  auto const inputs = on_device<Token>(tokens);
  Batch<Scalar, Space> batch;
  batch.shape = c.shape;
  batch.inputs = inputs;
  check_embedding<Scalar>(embedding, batch,
                          reference::TokenEmbedding{static_cast<std::size_t>(c.vocabulary),
                                                    static_cast<std::size_t>(c.width),
                                                    static_cast<std::size_t>(c.positions), tokens});
}

TEST_CASE("token embedding", "[token_embedding]") {
  auto const shape = GENERATE(SequenceShape{1, 1}, SequenceShape{2, 3}, SequenceShape{5, 7});
  Index const positions = GENERATE(0, 7, 9);  // none, full and with rows to spare
  check({6, 5, positions, shape}, random_tokens(shape.tokens(), 6));
}

TEST_CASE("token embedding, rows around the width of vector registers", "[token_embedding]") {
  Index const width = GENERATE(1, 63, 64, 65, 130);
  check({3, width, 4, {3, 4}}, random_tokens(12, 3));
}

TEST_CASE("token embedding, all tokens equal, all different, first and last", "[token_embedding]") {
  check({5, 4, 0, {3, 4}}, std::vector<Token>(12, 2));
  check({1, 4, 6, {2, 6}}, std::vector<Token>(12, 0));
  check({7, 4, 7, {1, 7}}, {6, 0, 5, 1, 4, 2, 3});
}

TEST_CASE("token embedding, batches around and beyond one block", "[token_embedding]") {
  Index const length = GENERATE(block - 1, block, block + 1, 2 * block + 77);
  check({5, 3, 0, {1, length}}, random_tokens(length, 5));
  check({2, 1, length, {1, length}}, std::vector<Token>(static_cast<std::size_t>(length), 1));
  check({50'000, 2, 600, {length / 600, 600}}, random_tokens(length / 600 * 600, 50'000));
}

TEST_CASE("token embedding leaves rows alone that no token names", "[token_embedding]") {
  Context<Space> const context(MPI_COMM_SELF);
  Embedding const embedding(4, 2, 0);
  double const nan = std::nan("");
  auto const dtheta = on_device<Scalar>(Numbers{nan, nan, 0, 0, nan, nan, 10, 20});
  auto const dy = on_device<Scalar>(Numbers{1, 2, 3, 4, 5, 6});
  auto const tokens = on_device<Token>(std::vector<Token>{3, 1, 3});
  Batch<Scalar, Space> batch;
  batch.shape = {1, 3};
  batch.inputs = tokens;
  embedding.backward(context, batch, as_matrix(dy, 0, 3, 2), dtheta);
  context.fence("test");
  Numbers const found = on_host(dtheta);
  CHECK(piece(found, 2, 2) == Numbers{3, 4});
  CHECK(piece(found, 6, 2) == Numbers{16, 28});
  for (std::size_t const i : {0, 1, 4, 5}) CHECK(std::isnan(found[i]));
}

TEST_CASE("token embedding names its segments", "[token_embedding]") {
  auto const with = Embedding(10, 4, 6, 0.5).parameters();
  REQUIRE(with.size() == 2);
  CHECK(with[0].name == "token.weight");
  CHECK(with[0].shape == std::vector<Index>{10, 4});
  CHECK(with[1].name == "position.weight");
  CHECK(with[1].shape == std::vector<Index>{6, 4});
  for (auto const& spec : with) {
    CHECK(spec.initial.kind == Initialization::Kind::normal);
    CHECK(spec.initial.scale == 0.5);
    CHECK(spec.decay);
  }
  CHECK(Embedding(10, 4, 0).parameters().size() == 1);
}

TEST_CASE("token embedding refuses what does not fit", "[token_embedding]") {
  Context<Space> const context(MPI_COMM_SELF);
  Embedding const embedding(4, 2, 3);
  Vector<Scalar, Space> const theta("theta", 14), y("y", 100);
  Vector<Token, Space> const tokens("tokens", 100);
  auto const forward = [&](SequenceShape shape, Index inputs, Index parameters, Index rows,
                           Index columns) {
    Batch<Scalar, Space> batch;
    batch.shape = shape;
    batch.inputs = slice(tokens, 0, inputs);
    embedding.forward(context, slice(theta, 0, parameters), batch, as_matrix(y, 0, rows, columns));
    embedding.backward(context, batch, as_matrix(y, 0, rows, columns), slice(theta, 0, parameters));
  };
  CHECK_NOTHROW(forward({2, 3}, 6, 14, 6, 2));
  context.fence("test");
  auto const says = [](char const* text) { return MessageMatches(ContainsSubstring(text)); };
  CHECK_THROWS_MATCHES(forward({2, 3}, 6, 13, 6, 2), ShapeError,
                       says("token_embedding: 13 parameters, but 14 are needed"));
  CHECK_THROWS_MATCHES(forward({2, 3}, 5, 14, 6, 2), ShapeError,
                       says("5 input tokens, but 6 are needed"));
  CHECK_THROWS_MATCHES(forward({2, 3}, 6, 14, 7, 2), ShapeError,
                       says("7 rows of features, but 6 are needed"));
  CHECK_THROWS_MATCHES(forward({2, 3}, 6, 14, 6, 3), ShapeError,
                       says("3 features, but 2 are needed"));
  CHECK_THROWS_MATCHES(forward({1, 4}, 4, 14, 4, 2), ShapeError,
                       says("sequences of 4 tokens, but the table of positions has 3 rows"));
  CHECK_THROWS_AS(Embedding(0, 2, 3), ConfigError);
  CHECK_THROWS_AS(Embedding(4, 0, 3), ConfigError);
  CHECK_THROWS_AS(Embedding(4, 2, -1), ConfigError);
}

}  // namespace kyrtos::testing::token_embedding
