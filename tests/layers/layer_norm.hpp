// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/layer_norm.hpp>

#include "../reference/normalization.hpp"
#include "check_layer.hpp"

namespace kyrtos::testing {

TEST_CASE("layer norm", "[layer_norm]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  for (bool const bias : {false, true})
    for (SequenceShape const shape :
         {SequenceShape{1, 1}, SequenceShape{2, 3}, SequenceShape{3, 25}}) {
      layers::LayerNorm<Scalar, Space> const layer(19, 1e-5, bias);
      check_layer<Scalar>(layer, shape, reference::Normalization{19, 1e-5, true, bias});
    }
}

}  // namespace kyrtos::testing
