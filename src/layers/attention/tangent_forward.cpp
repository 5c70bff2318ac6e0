// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tangent_forward.hpp"

#include "passes.hpp"

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
void tangent_forward(Space const& space, TangentForwardArguments<Scalar> const& in) {
  with_head_size<Scalar, Space>(in.g.head_size, [&](auto head_size) {
    TangentForwardKernel<Scalar, Space, head_size> const kernel{in};
    launch(space, "kyrtos::attention::tangent_forward", kernel, kernel.teams());
  });
}

#define KYRTOS_INSTANTIATE_PASS(SPACE)                                                \
  template void tangent_forward(SPACE const&, TangentForwardArguments<float> const&); \
  template void tangent_forward(SPACE const&, TangentForwardArguments<double> const&);
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_PASS)

}  // namespace kyrtos::layers::attention
