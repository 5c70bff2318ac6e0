// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/linear.hpp>

#include "../reference/linear.hpp"
#include "check_layer.hpp"

namespace kyrtos::testing {

TEST_CASE("linear", "[linear]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  for (bool const bias : {false, true})
    for (SequenceShape const shape :
         {SequenceShape{1, 1}, SequenceShape{2, 3}, SequenceShape{3, 25}}) {
      layers::Linear<Scalar, Space> const layer(5, 7, bias, 0.02);
      check_layer<Scalar>(layer, shape, reference::Linear{5, 7, bias});
    }
}

}  // namespace kyrtos::testing
