// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/rms_norm.hpp>

#include "../reference/normalization.hpp"
#include "check_layer.hpp"

namespace kyrtos::testing {

TEST_CASE("RMS norm", "[rms_norm]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  for (SequenceShape const shape :
       {SequenceShape{1, 1}, SequenceShape{2, 3}, SequenceShape{3, 25}}) {
    layers::RmsNorm<Scalar, Space> const layer(19, 1e-5);
    check_layer<Scalar>(layer, shape, reference::Normalization{19, 1e-5, false, false});
  }
}

}  // namespace kyrtos::testing
