// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "model_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <limits>

// A block that takes no part is exactly the identity: nothing reads or writes its parameters.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;

/// θ's elements of the blocks of `active` and of both ends.
inline Numbers without_inactive(model::Transformer<Scalar, Space> const& model, Numbers const& v,
                                model::ActiveBlocks const& active) {
  Numbers rest = v;
  for (Index i = model.config().depth; i-- > 0;)
    if (!active[static_cast<std::size_t>(i)]) {
      auto const [offset, size] = model.block_range(i);
      rest.erase(rest.begin() + offset, rest.begin() + offset + size);
    }
  return rest;
}

TEST_CASE("inactive blocks change nothing, bit by bit, and are not touched", "[inactive_blocks]") {
  double const nan = std::numeric_limits<double>::quiet_NaN();
  for (auto const& [name, base] : small_models()) {
    INFO(name);
    auto config = base;
    config.depth = 4;
    model::ActiveBlocks const active{true, false, true, false};
    ModelRun<Scalar> large(config, {3, 7}, active);
    auto u = large.random_direction(41);
    for (Index i : {1, 3}) {
      auto const [offset, size] = large.model.block_range(i);
      for (Index j = offset; j < offset + size; ++j)
        large.theta[static_cast<std::size_t>(j)] = u[static_cast<std::size_t>(j)] = nan;
    }
    config.depth = 2;
    ModelRun<Scalar> small_run(config);
    small_run.theta = without_inactive(large.model, large.theta, active);

    auto const found = large.gradient_and_hvp(u);
    auto const wanted = small_run.gradient_and_hvp(without_inactive(large.model, u, active));
    CHECK(found.loss == wanted.loss);
    CHECK(found.derivative == wanted.derivative);
    CHECK(without_inactive(large.model, found.gradient, active) == wanted.gradient);
    CHECK(without_inactive(large.model, found.hu, active) == wanted.hu);
    for (Index i : {1, 3}) {
      auto const [offset, size] = large.model.block_range(i);
      for (Index j = offset; j < offset + size; ++j) {
        REQUIRE(found.gradient[static_cast<std::size_t>(j)] == 0);
        REQUIRE(found.hu[static_cast<std::size_t>(j)] == 0);
      }
    }
    CHECK(large.model.forward_flops({3, 7}, active) == small_run.model.forward_flops({3, 7}));
  }
}

TEST_CASE("a model without blocks, and one whose blocks all sleep", "[inactive_blocks]") {
  auto config = small(model::gpt2_config());
  ModelRun<Scalar> const asleep(config, {3, 7}, {false, false});
  config.depth = 0;
  ModelRun<Scalar> none(config);
  none.theta = without_inactive(asleep.model, asleep.theta, {false, false});
  CHECK(asleep.gradient().loss == none.gradient().loss);
  CHECK(near(none.gradient().loss, none.reference.loss_of(none.reference.outputs(none.theta)),
             1e4 * std::numeric_limits<Scalar>::epsilon()));
}

}  // namespace kyrtos::testing
