// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "../support/kokkos_watch.hpp"
#include "model_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <limits>

// Whole models against the plain-loop reference on dual numbers, and the manners of a step.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;

/// What is compared passes through some thousand roundings.
inline double const model_tolerance = 2000 * std::numeric_limits<Scalar>::epsilon();

TEST_CASE("loss, gradient and Hessian-vector product are the reference's", "[transformer]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<Scalar> const run(config);
    auto const u = run.random_direction(21);
    auto const found = run.gradient_and_hvp(u);
    auto const check_along = [&](Numbers const& delta) {
      Dual2 const wanted = run.reference_loss(u, delta);
      CHECK(near(found.loss, number(wanted), model_tolerance));
      CHECK(near(found.derivative, along_first(wanted), model_tolerance));
      double const size = norm(delta);
      CHECK(std::abs(dot(found.gradient, delta) - along_second(wanted)) <=
            model_tolerance * norm(found.gradient) * size);
      CHECK(std::abs(dot(found.hu, delta) - along_both(wanted)) <=
            model_tolerance * norm(found.hu) * size);
    };
    check_along(run.random_direction(22));
    // Segment by segment, so that none can be forgotten or be another's.
    for (auto const& segment : run.model.layout().segments()) {
      INFO(segment.name);
      Numbers delta(run.theta.size(), 0.0);
      for (Index i = segment.offset; i < segment.offset + segment.size; ++i)
        delta[static_cast<std::size_t>(i)] =
            random_numbers<double>(1, 1000 + static_cast<std::uint64_t>(i))[0];
      check_along(delta);
    }
  }
}

TEST_CASE("segments have the documented names and fill the vector", "[transformer]") {
  model::Transformer<Scalar, Space> const model(small(model::gpt2_config()));
  Index end = 0;
  for (auto const& segment : model.layout().segments()) {
    CHECK(segment.offset == end);
    end += segment.size;
  }
  CHECK(end == model.layout().size());
  for (char const* name :
       {"embedding.token.weight", "embedding.position.weight", "blocks.1.norm1.weight",
        "blocks.1.norm1.bias", "blocks.1.attention.qkv.weight", "blocks.1.attention.qkv.bias",
        "blocks.1.attention.output.weight", "blocks.1.norm2.weight", "blocks.1.mlp.up.weight",
        "blocks.1.mlp.down.bias", "final_norm.weight", "final_norm.bias"})
    CHECK_NOTHROW(model.layout().find(name));
  auto llama = small(model::llama_config());
  llama.qk_norm = true;
  model::Transformer<Scalar, Space> const other(llama);
  for (char const* name : {"blocks.0.attention.query_norm.weight",
                           "blocks.0.attention.key_norm.weight", "head.weight"})
    CHECK_NOTHROW(other.layout().find(name));
  CHECK(other.layout().match("blocks.*.attention.*").size() == 2 * 4);
  auto const [offset, size] = other.block_range(1);
  CHECK(other.layout().find("blocks.1.norm1.weight").offset == offset);
  CHECK(other.layout().find("final_norm.weight").offset == offset + size);
}

TEST_CASE("initial parameters depend on seed and name alone", "[transformer]") {
  Context<Space> const context(MPI_COMM_SELF);
  auto config = small(model::gpt2_config());
  auto const draw = [&](std::uint64_t seed) {
    model::Transformer<Scalar, Space> const model(config);
    Vector<Scalar, Space> const theta("theta", static_cast<std::size_t>(model.layout().size()));
    model.initialize(context, seed, theta);
    auto const& s = model.layout().find("blocks.1.mlp.up.weight");
    auto const all = on_host(theta);
    return Numbers(all.begin() + s.offset, all.begin() + s.offset + s.size);
  };
  auto const first = draw(3);
  CHECK(first == draw(3));
  CHECK(first != draw(4));
  CHECK(std::abs(norm(first) / std::sqrt(static_cast<double>(first.size())) - 0.02) < 0.004);
  config.depth = 5;
  CHECK(first == draw(3));
}

TEST_CASE("repeated, a step gives the same bits", "[transformer]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<Scalar> const run(config);
    auto const u = run.random_direction(21);
    auto const once = run.gradient_and_hvp(u);
    CHECK(run.gradient_and_hvp(u) == once);
    auto ws = run.workspace({.tangents = true});  // also in a workspace that was used before
    for (int i = 0; i < 2; ++i) {
      auto const g = run.zeros(), hu = run.zeros();
      run.model.gradient_and_hvp(ws, on_device<Scalar>(run.theta), on_device<Scalar>(u), run.batch,
                                 g, hu);
      CHECK(on_host(g) == once.gradient);
      CHECK(on_host(hu) == once.hu);
    }
  }
}

TEST_CASE("micro-batches add up to the batch", "[transformer]") {
  ModelRun<Scalar> const run(small(model::gpt2_config()), {4, 7});
  auto const whole = run.gradient();
  model::TransformerWorkspace<Scalar, Space> ws(run.context, run.model, {1, 7});
  auto const g = run.zeros(), t = on_device<Scalar>(run.theta);
  double loss = 0;
  for (Index i = 0; i < 4; ++i) {
    auto part = run.batch;
    part.shape = {1, 7};
    part.inputs = slice(run.batch.inputs, 7 * i, 7);
    part.targets = slice(run.batch.targets, 7 * i, 7);
    loss += run.model.gradient(ws, t, part, g);
  }
  CHECK(near(loss, whole.loss, model_tolerance));
  CHECK(near(on_host(g), whole.gradient, model_tolerance));
}

TEST_CASE("outputs are the reference's, for any rows", "[transformer]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<Scalar> const run(config);
    auto const wanted = run.reference.outputs(run.theta);
    auto const columns = static_cast<Index>(wanted.size()) / run.shape.tokens();
    auto ws = run.workspace({});
    Vector<Scalar, Space> const z("z", static_cast<std::size_t>(5 * columns));
    run.model.outputs(ws, on_device<Scalar>(run.theta), run.batch, 3, as_matrix(z, 0, 5, columns));
    auto const first = wanted.begin() + 3 * columns;
    CHECK(near(on_host(z), Numbers(first, first + 5 * columns), model_tolerance));
  }
}

TEST_CASE("steps allocate nothing, name their kernels, and stay on the caller's instance",
          "[transformer]") {
  Context<Space> const context(MPI_COMM_SELF);
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<Scalar> const run(config);
    model::TransformerWorkspace<Scalar, Space> ws(context, run.model, run.shape,
                                                  {.tangents = true, .keep_adjoints = true});
    auto const g = run.zeros(), hu = run.zeros(), t = on_device<Scalar>(run.theta),
               u = on_device<Scalar>(run.random_direction(21));
    auto const step = [&] {
      run.model.gradient(ws, t, run.batch, g);
      run.model.hvp_after_gradient(ws, t, u, run.batch, hu);
      run.model.gradient_and_hvp(ws, t, u, run.batch, g, hu);
      run.model.gauss_newton(ws, t, u, run.batch, hu);
    };
    step();  // scratch grows to its size
    auto const device = device_of(context.space());
    auto const record = KokkosWatch::during(step);
    CHECK(record.allocations.empty());
    CHECK(record.kernels.size() > 50);
    for (auto const& kernel : record.kernels) {
      INFO(kernel.label);
      CHECK((kernel.label.starts_with("kyrtos::") || kernel.label.starts_with("KokkosBlas")));
      CHECK(kernel.device == device);
    }
    // One loss (and its derivative) of all passes comes to the host, nothing else is waited for.
    for (auto const& fence : record.fences) {
      INFO(fence);
      CHECK((fence == "kyrtos::linalg::gemm" || fence == "kyrtos::linalg::sum"));
    }
  }
}

TEST_CASE("what does not fit is refused by name", "[transformer]") {
  ModelRun<Scalar> const run(small(model::gpt2_config()));
  auto const t = on_device<Scalar>(run.theta);
  auto const g = run.zeros();
  auto ws = run.workspace({.tangents = true, .keep_adjoints = true});
  CHECK_THROWS_AS(run.model.hvp_after_gradient(ws, t, t, run.batch, g), Error);
  run.model.gradient(ws, t, run.batch, g);
  CHECK_NOTHROW(run.model.hvp_after_gradient(ws, t, t, run.batch, g));
  run.model.loss(ws, t, run.batch);  // overwrites the activations
  CHECK_THROWS_AS(run.model.hvp_after_gradient(ws, t, t, run.batch, g), Error);
  auto plain = run.workspace({});
  CHECK_THROWS_AS(run.model.hvp(plain, t, t, run.batch, g), ConfigError);
  auto other = run.batch;
  other.shape = {7, 3};
  CHECK_THROWS_AS(run.model.loss(ws, t, other), ShapeError);
  CHECK_THROWS_AS(run.model.loss(ws, slice(t, 1, 5), run.batch), ShapeError);
  using Made = model::TransformerWorkspace<Scalar, Space>;
  CHECK_THROWS_AS(Made(run.context, run.model, {1, 10}), ShapeError);  // context is 9
  CHECK_THROWS_AS(Made(run.context, run.model, {1, 4}, {.keep_adjoints = true, .recompute = true}),
                  ConfigError);
  CHECK_THROWS_AS(Made(run.context, run.model, {1, 4}, {.active = {true}}), ConfigError);
}

}  // namespace kyrtos::testing
