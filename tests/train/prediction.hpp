// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/train/prediction.hpp>
#include <kyrtos/train/run.hpp>

#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

// The work of a step is what its regions tell, and its time what the formula makes of that.

namespace kyrtos::testing::prediction {

using Scalar = KYRTOS_TEST_SCALAR;
using Strings = std::vector<std::string>;
using model::KernelClass;

struct Listener : RegionObserver {
  void begin(std::string const&, RegionWork const& work) override {
    flops += work.flops;
    bytes += work.bytes;
  }
  void end() override {}
  double flops = 0, bytes = 0;
};

train::Device some_device() {
  train::Device d;
  d.name = "a device";
  d.float32 = d.float64 = 1e12;
  d.tf32 = 4e12;
  d.vector_float32 = d.vector_float64 = 5e11;
  d.memory_bandwidth = 1e11;
  d.product_share = d.vector_share = d.memory_share = 0.5;
  d.launch_seconds = 1e-5;
  d.kind = train::Device::Kind::cpu;
  d.link_bandwidth = 1e9;
  d.link_latency = 1e-6;
  return d;
}

TEST_CASE("a step does the work that is planned", "[prediction]") {
  auto const shard = GENERATE(as<std::string>(), "none", "optimizer", "full");
  auto const extra = GENERATE(
      Strings{"curvature.enabled=false"}, Strings{"curvature.enabled=false", "optimizer.name=sgd"},
      Strings{"training.micro_batch=1", "training.recompute=true"},
      Strings{"curvature.matrix=gauss_newton"},
      Strings{"curvature.probe=batch", "curvature.probe_sequences=4"}, Strings{"model.tied=false"},
      Strings{"curvature.enabled=false", "optimizer.name=muon"},
      Strings{"training.precision=tf32", "training.micro_batch=1"},
      Strings{"training.precision=tf32", "curvature.probe=batch", "curvature.probe_sequences=4"});
  Strings overrides{"training.batch=8", "curvature.probe_sequences=4", "parallel.shard=" + shard};
  overrides.insert(overrides.end(), extra.begin(), extra.end());
  INFO(shard << ", " << extra.front());
  TinyRun run(overrides);
  auto const& ranks = run.context.communicator();
  train::Run<Scalar, Space> trainer(run.context, run.config);
  trainer.step();
  Listener told;
  run.context.observe(&told);
  auto const report = trainer.step();
  run.context.observe(nullptr);
  double const products = report.sharpness ? static_cast<double>(report.sharpness->hvps) : 0;
  CHECK((products > 0) == run.config.curvature.enabled);
  auto const planned = train::dry_run<Scalar>(run.context, run.config, ranks.size(),
                                              run.config.model.depth, some_device())
                           .work;
  // SGD tells nothing, nor does what works on whole vectors.
  using Kind = train::OptimizerConfig::Kind;
  auto const kind = run.config.optimizer.kind;
  auto work = planned.gradient;
  if (kind != Kind::sgd) work += planned.update;
  work += products * planned.product;
  if (ranks.rank() + 1 < ranks.size()) return;         // the last rank has most
  if (kind == Kind::muon && ranks.size() > 1) return;  // matrices are not equally large
  double const flops = work.total().products + work[KernelClass::attention].flops;
  CHECK(near(flops, told.flops, 1e-12));
  if (kind == Kind::muon) return;  // which tells no bytes of its iteration
  double const bytes = work.total().product_bytes + work.total().bytes;
  CHECK(near(bytes - work[KernelClass::vectors].bytes, told.bytes, 1e-12));
}

TEST_CASE("the time of a class is what limits it, and its launches", "[prediction]") {
  auto device = some_device();
  model::WorkByClass work;
  work[KernelClass::linear] = {
      .products = 1e12, .product_bytes = 1e9, .flops = 1e11, .bytes = 1e9, .launches = 10};
  work[KernelClass::head] = {.products = 1e9, .product_bytes = 1e10};
  work[KernelClass::vectors] = {.flops = 1e6, .bytes = 1e10, .launches = 2};
  auto const in = [&](train::Precision precision) {
    return train::class_seconds(work, device, precision);
  };
  auto const seconds = in(train::Precision::float32);
  CHECK(near(seconds[0], 2 + 0.4 + 1e-4, 1e-12));  // computing
  CHECK(near(seconds[5], 0.2 + 2e-5, 1e-12));      // memory
  CHECK(seconds[1] == 0);
  CHECK(near(seconds[2], 0.2, 1e-12));  // memory of products
  CHECK(near(in(train::Precision::tf32)[0], 0.5 + 0.4 + 1e-4, 1e-12));
  CHECK_THROWS_MATCHES(
      in(train::Precision::bf16), ConfigError,
      Catch::Matchers::MessageMatches(Catch::Matchers::ContainsSubstring("products.bf16")));
}

TEST_CASE("a tracked step is a step and its products", "[prediction]") {
  auto const config = train::parse_config(
      "model = { depth = 2, width = 64, heads = 2 }\n"
      "training = { steps = 10, batch = 16, length = 64 }\n"
      "curvature = { probe = \"fixed\", probe_sequences = 4, check_every = 10 }",
      "plan");
  Context<Space> const context(MPI_COMM_SELF);
  auto const device = some_device();
  for (int const ranks : {1, 2}) {
    auto const [resources, work] = train::dry_run<Scalar>(context, config, ranks, 2, device);
    auto const p = train::predict(config, resources, work, ranks, device);
    double const products = 1 + resources.check_products;
    CHECK(products > 1);
    CHECK(near(p.tracked_step.computing(), p.step.computing() + products * p.product.computing(),
               1e-12));
    CHECK((p.step.messages > 0) == (ranks > 1));
    CHECK(near(p.tracked_step.messages, p.step.messages + products * p.product.messages, 1e-9));
  }
}

}  // namespace kyrtos::testing::prediction
