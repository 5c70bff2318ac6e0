// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/restricted_operator.hpp>
#include <kyrtos/growth/new_block.hpp>
#include <kyrtos/optim/adamw.hpp>

#include "../model/model_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <cmath>
#include <string>

// What a block is when it joins: the identity to the last bit, stationary without a seed, and
// with moments that are set on purpose.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;
using Entry = growth::GrowthConfig::Entry;

/// Two blocks, of which the second joins.
struct Joining {
  ModelRun<Scalar> before, after;
  Index block = 1;

  explicit Joining(model::TransformerConfig const& config, growth::GrowthConfig const& growth)
      : before(config, {3, 7}, {true, false}), after(config) {
    auto const theta = on_device<Scalar>(before.theta);
    growth::enter_block<Scalar, Space>(after.context, after.model, growth, block, 0, 5, theta);
    after.theta = on_host(theta);
    before.theta = after.theta;
  }

  Numbers part(Numbers const& v, std::string const& name) const {
    auto const& s = after.model.layout().find("blocks.1." + name);
    return Numbers(v.begin() + s.offset, v.begin() + s.offset + s.size);
  }
  Numbers of_block(Numbers const& v) const {
    auto const [offset, size] = after.model.block_range(block);
    return Numbers(v.begin() + offset, v.begin() + offset + size);
  }
};

TEST_CASE("a block joins without changing the function, to the last bit", "[new_block]") {
  auto gated = small(model::gpt2_config());
  gated.gated = true;
  for (auto const& [config, growth] :
       {std::pair(small(model::gpt2_config()),
                  growth::GrowthConfig{.entry = Entry::zeros, .seed_scale = 0}),
        {small(model::llama_config()), {.entry = Entry::zeros, .seed_scale = 0}},
        {small(model::gpt2_config()), {.entry = Entry::projections}},
        {small(model::llama_config()), {.entry = Entry::projections}},
        {gated, {.entry = Entry::gate}},
        {small(model::llama_config()),
         {.where = growth::GrowthConfig::Where::stack, .entry = Entry::projections}}}) {
    Joining const joining(config, growth);
    auto const before = joining.before.gradient(), after = joining.after.gradient();
    CHECK(after.loss == before.loss);
    // And so is the gradient of everything that was there.
    Numbers old = after.gradient;
    auto const [offset, size] = joining.after.model.block_range(1);
    std::fill_n(old.begin() + offset, size, 0.0);
    CHECK(old == before.gradient);
  }
}

TEST_CASE("without a seed a block of zeros is a stationary point, but not a flat one",
          "[new_block]") {
  Joining const joining(small(model::llama_config()), {.entry = Entry::zeros, .seed_scale = 0});
  CHECK(norm(joining.of_block(joining.after.gradient().gradient)) == 0);
  // d²ℓ/dW₁dW₂ of the two factors of each branch is what makes it leave once it is disturbed.
  for (auto const& [one, other] : {std::pair("attention.output.weight", "attention.qkv.weight"),
                                   {"mlp.down.weight", "mlp.up.weight"}}) {
    Numbers u(joining.after.theta.size(), 0.0);
    auto const& segment = joining.after.model.layout().find(std::string("blocks.1.") + one);
    for (Index i = 0; i < segment.size; ++i)
      u[static_cast<std::size_t>(segment.offset + i)] = std::cos(static_cast<double>(i));
    auto const hu = joining.after.hvp(u).hu;
    CHECK(norm(joining.part(hu, one)) == 0);
    bool const is_attention = std::string(one).starts_with("attention");
    // SwiGLU's hidden units start at 0 with 0 slope: the product of three factors has no second
    // derivative there.
    CHECK((norm(joining.part(hu, other)) > 0) == is_attention);
  }
  // With a seed the gradient lets it leave.
  Joining const seeded(small(model::llama_config()), {.entry = Entry::zeros, .seed_scale = 0.1});
  CHECK(norm(seeded.of_block(seeded.after.gradient().gradient)) > 0);
}

TEST_CASE("its own Hessian has eigenvalues in pairs of both signs", "[new_block]") {
  Joining const joining(small(model::gpt2_config()), {.entry = Entry::zeros, .seed_scale = 0});
  auto const& run = joining.after;
  typename ModelRun<Scalar>::AtTheta at(run);
  model::CurvatureOperator<Scalar, Space> hessian(at.loss);
  std::vector<ParameterLayout::Range> ranges;
  for (char const* name : {"attention.qkv.weight", "attention.output.weight"}) {
    auto const& s = run.model.layout().find(std::string("blocks.1.") + name);
    ranges.push_back({s.offset, s.size});
  }
  curvature::RestrictedOperator<Scalar, Space> own(run.context, hessian, ranges);
  curvature::Lanczos<Scalar, Space> lanczos(run.context, own.size(), 60);
  auto const ends =
      lanczos.solve(own, {.largest = 3, .smallest = 3, .tolerance = 1e-3, .max_hvps = 60});
  REQUIRE(ends.converged);
  for (std::size_t j = 0; j < 3; ++j) {
    CHECK(ends.largest[j].value > 0);
    CHECK(std::abs(ends.largest[j].value + ends.smallest[j].value) < 1e-2 * ends.largest[j].value);
  }
}

TEST_CASE("the seed, the copy and the gate are what they say", "[new_block]") {
  auto const config = small(model::llama_config());
  auto const deviation = [](Numbers const& v) {
    return norm(v) / std::sqrt(static_cast<double>(v.size()));
  };
  Joining const seeded(config, {.entry = Entry::zeros, .seed_scale = 0.3});
  CHECK(std::abs(deviation(seeded.part(seeded.after.theta, "mlp.up.weight")) / (0.3 * 0.02) - 1) <
        0.2);
  CHECK(seeded.part(seeded.after.theta, "norm1.weight") == Numbers(12, 1.0));
  Joining const stacked(config,
                        {.where = growth::GrowthConfig::Where::stack, .entry = Entry::projections});
  auto const& layout = stacked.after.model.layout();
  for (char const* name : {"attention.qkv.weight", "mlp.up.weight", "norm2.weight"}) {
    auto const& s = layout.find(std::string("blocks.0.") + name);
    auto const begin = stacked.after.theta.begin() + s.offset;
    CHECK(stacked.part(stacked.after.theta, name) == Numbers(begin, begin + s.size));
  }
  CHECK(norm(stacked.part(stacked.after.theta, "mlp.down.weight")) == 0);
}

TEST_CASE("moments begin at zero, the second with its neighbour's where asked", "[new_block]") {
  ModelRun<Scalar> const run(small(model::gpt2_config()));
  for (auto const second :
       {growth::GrowthConfig::SecondMoment::neighbours, growth::GrowthConfig::SecondMoment::zero}) {
    optim::AdamW<Scalar, Space> adam(run.context, run.model.layout().size(),
                                     optim::ranges_of(run.model.layout()));
    adam.update(run.context, on_device<Scalar>(run.theta),
                on_device<Scalar>(run.random_direction(7)), 1e-3);
    auto const state = adam.state();
    Numbers const m = on_host(state[0].values), v = on_host(state[1].values);
    growth::enter_moments<Scalar, Space>(run.context, run.model, {.second_moment = second}, 1, 0,
                                         on_device<Scalar>(run.theta), adam);
    auto const [own, size] = run.model.block_range(1);
    Index const other = run.model.block_range(0).offset;
    Numbers const m_after = on_host(state[0].values), v_after = on_host(state[1].values);
    for (std::size_t i = 0; i < m.size(); ++i) {
      auto const k = static_cast<Index>(i);
      bool const is_new = k >= own && k < own + size;
      REQUIRE(m_after[i] == (is_new ? 0 : m[i]));
      double const inherited = second == growth::GrowthConfig::SecondMoment::neighbours
                                   ? v[static_cast<std::size_t>(is_new ? k - own + other : k)]
                                   : 0;
      REQUIRE(v_after[i] == (is_new ? inherited : v[i]));
    }
  }
}

}  // namespace kyrtos::testing
