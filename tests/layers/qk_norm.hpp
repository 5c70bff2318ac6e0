// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/qk_norm.hpp>

#include "../reference/qk_norm.hpp"
#include "check_layer.hpp"

#include <catch2/generators/catch_generators.hpp>

namespace kyrtos::testing {

TEST_CASE("QK norm", "[qk_norm]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  Index const head_size = GENERATE(1, 5, 16), kv_heads = GENERATE(1, 2);
  bool const all_heads = GENERATE(false, true);
  auto const shape = GENERATE(SequenceShape{1, 1}, SequenceShape{3, 4}, SequenceShape{2, 35});
  // A head of one feature is w·sign(x) but for ε, which must not be small then: y would be flat.
  double const epsilon = head_size == 1 ? 0.5 : 1e-5;
  layers::QkNorm<Scalar, Space> const layer({2, kv_heads, head_size, epsilon, all_heads});
  check_layer<Scalar>(layer, shape,
                      reference::QkNorm{2, static_cast<std::size_t>(kv_heads),
                                        static_cast<std::size_t>(head_size), epsilon, all_heads});
}

}  // namespace kyrtos::testing
