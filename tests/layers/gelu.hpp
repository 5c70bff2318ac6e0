// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/gelu.hpp>

#include "../reference/activations.hpp"
#include "check_layer.hpp"

namespace kyrtos::testing {

TEST_CASE("GELU", "[gelu]") {
  using Scalar = KYRTOS_TEST_SCALAR;
  for (SequenceShape const shape :
       {SequenceShape{1, 1}, SequenceShape{2, 3}, SequenceShape{3, 25}}) {
    check_layer<Scalar>(layers::Gelu<Scalar, Space>(19, layers::GeluKind::tanh), shape,
                        reference::Gelu{false});
    check_layer<Scalar>(layers::Gelu<Scalar, Space>(19, layers::GeluKind::exact), shape,
                        reference::Gelu{true});
  }
}

}  // namespace kyrtos::testing
