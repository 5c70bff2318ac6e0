// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/scale.hpp>

#include "check_layer.hpp"

#include <catch2/generators/catch_generators.hpp>

namespace kyrtos::testing {

TEST_CASE("a constant scale", "[scale]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  auto const shape = GENERATE(SequenceShape{1, 1}, SequenceShape{3, 4});
  auto const reference = [](SequenceShape, auto x, auto const&) {
    using T = typename decltype(x)::value_type;
    for (auto& value : x) value = T(-0.75) * value;
    return x;
  };
  check_layer<Scalar>(layers::Scale<Scalar, Space>(5, -0.75), shape, reference);
}

}  // namespace kyrtos::testing
