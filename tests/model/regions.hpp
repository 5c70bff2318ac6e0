// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/layers/attention.hpp>
#include <kyrtos/model/work.hpp>

#include "../support/kokkos_watch.hpp"
#include "../support/rounded_products.hpp"
#include "model_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <set>

// What the regions of the four operations tell: the layers' passes, and the work that
// model/transformer.hpp says they cost.

namespace kyrtos::testing::regions {

using Scalar = KYRTOS_TEST_SCALAR;
using Run = ModelRun<Scalar>;

struct Listener : RegionObserver {
  void begin(std::string const& name, RegionWork const& work) override {
    names.insert(name);
    flops += work.flops;
    bytes += work.bytes;
    if (name == "kyrtos::linalg::gemm" || name == "kyrtos::linalg::gemm_batched") ++launches;
    ++depth;
  }
  void end() override { --depth; }

  std::set<std::string> names;
  double flops = 0, bytes = 0, launches = 0;  // launches: products and kernels
  int depth = 0;
};

/// A run with its operations in the sequence in which they can be called, watched one by one.
struct Watched {
  explicit Watched(model::TransformerConfig const& config, bool recompute = false)
      : Watched(Run(config), recompute) {}
  explicit Watched(Run&& made, bool recompute = false)
      : run(std::move(made)),
        ws(run.workspace({.tangents = true, .keep_adjoints = !recompute, .recompute = recompute})),
        theta(on_device<Scalar>(run.theta)),
        u(on_device<Scalar>(run.random_direction(3))),
        g(run.zeros()),
        hu(run.zeros()) {
    auto const& c = run.model.config();
    auto const rows = static_cast<double>(run.shape.tokens());
    for (auto const& segment : run.model.layout().segments())
      if (segment.name.starts_with("blocks.") && segment.shape.size() == 2)
        linear += 2 * rows * static_cast<double>(segment.size);
    head = 2 * rows * static_cast<double>(c.width * c.vocabulary);
    layers::Attention<Scalar, Space> const layer({.heads = c.heads,
                                                  .kv_heads = c.kv_heads,
                                                  .head_size = c.head_size,
                                                  .causal = c.causal,
                                                  .window = c.attention_window});
    attention = static_cast<double>(c.depth) * layer.forward_flops(run.shape);
  }

  template <class Operation>
  Listener during(Operation const& operation) const {
    Listener listener;
    run.context.observe(&listener);
    auto const record = KokkosWatch::during(operation);
    run.context.observe(nullptr);
    for (auto const& kernel : record.kernels)
      // Not what fills scratch with NaN, nor oneDNN's loop over a batch.
      if (!kernel.label.starts_with("Kokkos::") && kernel.label != "kyrtos::linalg::gemm_batched")
        ++listener.launches;
    CHECK(listener.depth == 0);
    return listener;
  }
  Listener gradient() {
    return during([&] { run.model.gradient(ws, theta, run.batch, g); });
  }
  Listener hvp_after_gradient() {
    return during([&] { run.model.hvp_after_gradient(ws, theta, u, run.batch, hu); });
  }
  Listener gradient_and_hvp() {
    return during([&] { run.model.gradient_and_hvp(ws, theta, u, run.batch, g, hu); });
  }
  Listener hvp() {
    return during([&] { run.model.hvp(ws, theta, u, run.batch, hu); });
  }

  Listener loss() {
    return during([&] { run.model.loss(ws, theta, run.batch); });
  }
  Listener gauss_newton() {
    return during([&] { run.model.gauss_newton(ws, theta, u, run.batch, hu); });
  }

  Run run;
  model::TransformerWorkspace<Scalar, Space> ws;
  Vector<Scalar, Space> theta, u, g, hu;
  double linear = 0, attention = 0, head = 0;  // FLOPs of a forward pass
};

TEST_CASE("every layer's passes are regions", "[regions]") {
  Watched watched(small(model::gpt2_config()));
  auto const gradient = watched.gradient(), hvp = watched.hvp_after_gradient();
  for (std::string const layer : {"linear", "attention", "gelu", "layer_norm"}) {
    INFO(layer);
    CHECK(gradient.names.count("kyrtos::" + layer + "::forward") == 1);
    CHECK(gradient.names.count("kyrtos::" + layer + "::backward") == 1);
    CHECK(gradient.names.count("kyrtos::" + layer + "::tangent_forward") == 0);
    CHECK(hvp.names.count("kyrtos::" + layer + "::tangent_forward") == 1);
    CHECK(hvp.names.count("kyrtos::" + layer + "::tangent_backward") == 1);
    CHECK(hvp.names.count("kyrtos::" + layer + "::backward") == 0);
  }
  for (std::string const end : {"token_embedding", "cross_entropy_head"}) {
    CHECK(gradient.names.count("kyrtos::" + end + "::forward") == 1);
    CHECK(gradient.names.count("kyrtos::" + end + "::backward") == 1);
  }
  CHECK(hvp.names.count("kyrtos::cross_entropy_head::tangent_backward") == 1);
}

TEST_CASE("operations do the products that they are said to cost", "[regions]") {
  for (auto const& [name, config] : small_models()) {
    if (config.input_features > 0) continue;  // whose input is a product too
    INFO(name);
    Watched w(config);
    CHECK(near(w.gradient().flops, 3 * (w.linear + w.head) + 3.5 * w.attention, 1e-12));
    CHECK(near(w.hvp_after_gradient().flops, 6 * w.linear + 7 * w.head + 8.5 * w.attention, 1e-12));
    CHECK(near(w.gradient_and_hvp().flops, 9 * (w.linear + w.head) + 12 * w.attention, 1e-12));
    CHECK(near(w.hvp().flops, 8 * (w.linear + w.head) + 12 * w.attention, 1e-12));
  }
}

void check_work(Listener const& told, model::WorkByClass const& planned) {
  auto const total = planned.total();
  CHECK(near(total.products + planned[model::KernelClass::attention].flops, told.flops, 1e-12));
  CHECK(near(total.product_bytes + total.bytes, told.bytes, 1e-12));
  CHECK(near(total.launches, told.launches, 1e-12));
}

void check_operations(Watched& w, model::WorkOptions const& options) {
  auto const planned =
      model::operation_work<Scalar, Space>(w.run.model.config(), w.run.shape, options);
  check_work(w.loss(), planned.loss);
  check_work(w.gradient(), planned.gradient);
  if (!options.recompute) check_work(w.hvp_after_gradient(), planned.hvp_after_gradient);
  check_work(w.hvp(), planned.hvp);
  check_work(w.gauss_newton(), planned.gauss_newton);
}

TEST_CASE("the work of operations is what their regions tell", "[regions][work]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    Watched w(config);
    check_operations(w, {.blocks = config.depth});
  }
}

TEST_CASE("the work of blocked attention is what its regions tell", "[regions][work]") {
  auto const blocked = layers::AttentionMethod::blocked;
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    for (Index const length : {7, 9}) {
      Watched w(Run(config, {2, length}, {}, blocked));
      check_operations(w, {.blocks = config.depth, .attention = blocked});
    }
  }
  // Several blocks of queries.
  auto longer = small(model::llama_config());
  longer.context = 300;
  longer.attention_window = 70;
  Watched w(Run(longer, {2, 300}, {}, blocked));
  check_operations(w, {.blocks = longer.depth, .attention = blocked});
}

TEST_CASE("the work of products of rounded factors is what its regions tell", "[regions][work]") {
  if (!std::is_same_v<Scalar, float>) SKIP("factors of float64 are not rounded");
  for (auto const format : available_formats())
    for (auto const method : {layers::AttentionMethod::streamed, layers::AttentionMethod::blocked})
      for (auto const& [name, config] : small_models()) {
        INFO(name);
        Run run(config, {3, 7}, {}, method);
        run.context = rounding_context(run.context, format);
        Watched w(std::move(run));
        check_operations(
            w, {.blocks = config.depth, .machine = {.factors = format}, .attention = method});
      }
}

TEST_CASE("the work of recomputing is what its regions tell", "[regions][work]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    Watched w(config, /*recompute=*/true);
    check_operations(w, {.blocks = config.depth, .recompute = true});
  }
}

TEST_CASE("blocked attention moves the bytes a pair that its table has", "[regions][work]") {
  if (!std::is_same_v<Scalar, float>) SKIP("factors of float64 are not rounded");
  // With heads of one feature nothing but scores counts.
  layers::Attention<Scalar, Space> const layer(
      {.causal = false, .method = layers::AttentionMethod::blocked});
  SequenceShape const shape{1, 8192};
  double const pairs = 8192.0 * 8192.0;
  auto const bytes = [&](layers::PassKind pass, std::optional<linalg::FactorFormat> factors) {
    auto const work = layer.work(pass, shape, {.is_host = false, .factors = factors});
    return (work.product_bytes + work.bytes) / pairs;
  };
  using layers::PassKind;
  auto const bfloat16 = linalg::FactorFormat::bfloat16;
  CHECK(near(bytes(PassKind::forward, bfloat16), 12, 0.03));
  CHECK(near(bytes(PassKind::tangent_forward, bfloat16), 24, 0.03));
  CHECK(near(bytes(PassKind::backward, bfloat16), 26, 0.03));
  CHECK(near(bytes(PassKind::tangent_backward, bfloat16), 52, 0.03));
  CHECK(near(bytes(PassKind::forward, {}), 16, 0.03));
  CHECK(near(bytes(PassKind::tangent_backward, {}), 72, 0.03));
}

TEST_CASE("attention goes the way that the machine is known to be faster at", "[work]") {
  using layers::AttentionMethod;
  layers::Machine const device{.is_host = false}, host;
  auto const automatic = AttentionMethod::automatic;
  CHECK(layers::chosen_method(automatic, device, true, 256) == AttentionMethod::blocked);
  CHECK(layers::chosen_method(automatic, device, true, 255) == AttentionMethod::streamed);
  CHECK(layers::chosen_method(automatic, device, false, 4096) == AttentionMethod::streamed);
  CHECK(layers::chosen_method(automatic, host, true, 4096) == AttentionMethod::streamed);
  CHECK(layers::chosen_method(AttentionMethod::blocked, host, false, 1) ==
        AttentionMethod::blocked);
}

}  // namespace kyrtos::testing::regions
