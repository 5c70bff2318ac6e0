// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/model/decoder.hpp>

#include "model_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <limits>

// With keys and values kept, each token has the outputs that the whole sequence's forward pass
// gives it.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;

inline double const decoder_tolerance = 1000 * std::numeric_limits<Scalar>::epsilon();

/// Runs of one sequence that crosses tiles of keys (64 tokens) and calls' chunks (256).
inline ModelRun<Scalar> long_run(model::TransformerConfig config, Index length,
                                 model::ActiveBlocks active = {}) {
  config.context = length;
  return ModelRun<Scalar>(config, {1, length}, std::move(active));
}

/// All outputs [length, vocabulary] by one forward pass.
inline Numbers outputs_at_once(ModelRun<Scalar> const& run) {
  Index const columns = run.model.config().vocabulary, rows = run.shape.length;
  auto ws = run.workspace({});
  Vector<Scalar, Space> const z("z", static_cast<std::size_t>(rows * columns));
  run.model.outputs(ws, on_device<Scalar>(run.theta), run.batch, 0, as_matrix(z, 0, rows, columns));
  return on_host(z);
}

/// The same row of both, after each call that appends so many tokens.
inline void check_decoder(ModelRun<Scalar> const& run, model::Decoder<Scalar, Space>& decoder,
                          std::vector<Index> const& appended) {
  Index const columns = run.model.config().vocabulary;
  auto const wanted = outputs_at_once(run);
  auto const theta = on_device<Scalar>(run.theta);
  Vector<Scalar, Space> const z("z", static_cast<std::size_t>(columns));
  for (Index const count : appended) {
    decoder.append(theta, slice(run.batch.inputs, decoder.size(), count),
                   as_matrix(z, 0, 1, columns));
    auto const row = wanted.begin() + (decoder.size() - 1) * columns;
    INFO("after " << decoder.size() << " tokens");
    CHECK(near(on_host(z), Numbers(row, row + columns), decoder_tolerance));
  }
}

TEST_CASE("a sequence that grows has the outputs of the whole one", "[decoder]") {
  for (auto const& [name, config] : small_models()) {
    if (!config.causal) continue;
    INFO(name);
    auto const run = long_run(config, 150);
    model::Decoder<Scalar, Space> decoder(run.context, run.model, 150);
    check_decoder(run, decoder, {1, 1, 61, 1, 1, 1, 70, 1, 13});
    decoder.clear();  // and again, over what was kept
    check_decoder(run, decoder, {140, 10});
  }
}

TEST_CASE("a long beginning is taken in pieces", "[decoder]") {
  auto config = small(model::llama_config());
  auto const run = long_run(config, 600);
  model::Decoder<Scalar, Space> decoder(run.context, run.model, 600);
  check_decoder(run, decoder, {520, 1, 79});
}

TEST_CASE("a window is that of the whole sequence", "[decoder]") {
  auto config = small(model::llama_config());
  for (Index const window : {1, 64, 100}) {
    INFO("window " << window);
    config.attention_window = window;
    auto const run = long_run(config, 300);
    model::Decoder<Scalar, Space> decoder(run.context, run.model, 300);
    check_decoder(run, decoder, {90, 1, 170, 1, 38});
  }
}

TEST_CASE("blocks that take no part are passed over", "[decoder]") {
  auto config = small(model::gpt2_config());
  config.depth = 3;
  auto const run = long_run(config, 70, {true, false, true});
  model::Decoder<Scalar, Space> decoder(run.context, run.model, 70, {true, false, true});
  check_decoder(run, decoder, {66, 1, 1, 2});
}

TEST_CASE("a decoder refuses what it can't do", "[decoder]") {
  using Decoder = model::Decoder<Scalar, Space>;
  auto const run = long_run(small(model::gpt2_config()), 9);
  CHECK_THROWS_AS(Decoder(run.context, run.model, 10), ShapeError);  // positions
  Decoder decoder(run.context, run.model, 5);
  Vector<Scalar, Space> const z("z", 13);
  auto const theta = on_device<Scalar>(run.theta);
  auto const append = [&](Index count) {
    decoder.append(theta, slice(run.batch.inputs, 0, count), as_matrix(z, 0, 1, 13));
  };
  CHECK_THROWS_AS(append(6), ShapeError);
  CHECK_THROWS_AS(append(0), ShapeError);
  append(5);
  CHECK_THROWS_AS(append(1), ShapeError);
  auto both = small(model::gpt2_config());
  both.causal = false;
  model::Transformer<Scalar, Space> const sees_all(both);
  CHECK_THROWS_AS(Decoder(run.context, sees_all, 5), ConfigError);
}

}  // namespace kyrtos::testing
