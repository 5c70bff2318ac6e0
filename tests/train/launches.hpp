// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/attention.hpp>
#include <kyrtos/layers/cross_entropy_head.hpp>
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/optim/adamw.hpp>
#include <kyrtos/train/trainer.hpp>

#include "../support/kokkos_watch.hpp"
#include "../support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <map>
#include <memory>
#include <string>
#include <vector>

// How often a step of training starts something on a device and waits for it, by counting what the
// kernels of a device do on this CPU (docs/backends.md). GPT-2 with its 12 blocks, learning 32 ×
// 1024 tokens at once: neither the width nor how the tokens are divided into sequences changes what
// is started, so the model is narrow and its sequences are short.

namespace kyrtos::testing::launches {

using Scalar = KYRTOS_TEST_SCALAR;

constexpr SequenceShape shape{2048, 16};  // as many tokens as 32 × 1024

struct ProductCount : RegionObserver {
  void begin(std::string const& name, RegionWork const&) override {
    if (name == "kyrtos::linalg::gemm") ++count;
  }
  void end() override {}
  int count = 0;
};

struct Step {
  std::map<std::string, int> launches;  ///< By the label of a kernel or a copy.
  int waits = 0;

  int total() const {
    int sum = 0;
    for (auto const& [label, count] : launches) sum += count;
    return sum;
  }
  std::string table() const {
    std::string text = std::to_string(total()) + " launches, " + std::to_string(waits) + " waits\n";
    for (auto const& [label, count] : launches)
      text += "  " + std::to_string(count) + "  " + label + "\n";
    return text;
  }
};

/// A step of a model that has taken one already.
Step second_step(Context<Space> const& context) {
  if (compat::has_teams_of_one<Space>) SKIP("these kernels are a CPU's");
  model::TransformerConfig config = model::gpt2_config();
  config.vocabulary = 13;
  config.context = shape.length;
  config.depth = 12;
  config.width = 4;
  config.heads = 1;
  // The head of GPT-2's vocabulary goes in as many chunks.
  using Head = layers::CrossEntropyHead<Scalar, Space>;
  REQUIRE(Head(50257, 768, true).chunk_rows() == Head(13, 4, true).chunk_rows());
  model::Transformer<Scalar, Space> const model(config, layers::AttentionMethod::streamed);
  model::Parameters<Scalar, Space> theta(context, model);
  theta.initialize(model, 1);
  model::Objective<Scalar, Space> loss(context, model, theta);
  optim::AdamW<Scalar, Space> adam(context, model.layout());
  train::Trainer<Scalar, Space> trainer(loss, adam);
  std::vector<Token> tokens(static_cast<std::size_t>(shape.tokens()) + 1);
  for (std::size_t i = 0; i < tokens.size(); ++i) tokens[i] = static_cast<Token>(i * i % 13);
  auto const on = on_device<Token>(tokens);
  kyrtos::Batch<Scalar, Space> batch;
  batch.shape = shape;
  batch.weight = 1.0 / static_cast<double>(shape.tokens());
  batch.inputs = slice(on, 0, shape.tokens());
  batch.targets = slice(on, 1, shape.tokens());
  trainer.step({batch}, 1e-3);

  ProductCount products;
  context.observe(&products);
  auto const record = KokkosWatch::during([&] { trainer.step({batch}, 1e-3); });
  context.observe(nullptr);
  Step step;
  // What the host reads goes to the mirror of a View, which it waits for.
  for (auto const& label : record.copies) step.waits += label.ends_with("_mirror") ? 1 : 0;
  for (auto const& kernel : record.kernels)
    if (!kernel.label.starts_with("Kokkos::")) ++step.launches[kernel.label];
  for (auto const& label : record.copies) ++step.launches["copy to " + label];
  step.launches["matrix products"] = products.count;
  return step;
}

// Of these the bias and the residual that 48 products start from are launches where the library
// does not add them as it writes a product, as here; cuBLASLt does.
TEST_CASE("a step of GPT-2 in float32 starts fewer than 500 kernels, and waits for three sums",
          "[launches]") {
  auto const step = second_step(Context<Space>(MPI_COMM_SELF));
  INFO(step.table());
  CHECK(step.total() <= 493);
  CHECK(step.waits <= 3);
}

TEST_CASE("with rounded factors it starts two more", "[launches]") {
  Context<Space> const context(MPI_COMM_SELF);
  auto const rounded =
      std::make_shared<linalg::RoundedProducts<Space>>(context, linalg::FactorFormat::tf32);
  auto const step = second_step(context.with_products(rounded));
  INFO(step.table());
  CHECK(step.total() <= 495);
  CHECK(step.waits <= 3);
}

// What a device takes by itself for these sequences. That work() counts what passes start is a test
// of its own (model.regions).
TEST_CASE("attention of 1024 tokens as batched products starts 41 kernels a block", "[launches]") {
  layers::Attention<Scalar, Space> const layer({.heads = 12, .head_size = 64});
  SequenceShape const long_sequences{32, 1024};
  layers::Machine const device{.is_host = false, .factors = linalg::FactorFormat::bfloat16};
  CHECK(layer.is_blocked(device, long_sequences));
  double launches = 0;
  for (auto const pass : {layers::PassKind::forward, layers::PassKind::backward})
    launches += layer.work(pass, long_sequences, device).launches;
  CHECK(launches == 41);
}

}  // namespace kyrtos::testing::launches
