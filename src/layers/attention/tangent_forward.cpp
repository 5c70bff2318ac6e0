// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tangent_forward.hpp"

#include "passes.hpp"

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
std::size_t tangent_forward(Space const& space, TangentForwardArguments<Scalar> const& in) {
  std::size_t bytes = 0;
  with_head_size<Scalar, Space>(in.g.head_size, [&](auto head_size) {
    TangentForwardKernel<Scalar, Space, head_size> const kernel{in};
    bytes = launch(space, "kyrtos::attention::tangent_forward", kernel, kernel.teams());
  });
  return bytes;
}

#define KYRTOS_TANGENT_FORWARD(SPACE)                                                        \
  template std::size_t tangent_forward(SPACE const&, TangentForwardArguments<float> const&); \
  template std::size_t tangent_forward(SPACE const&, TangentForwardArguments<double> const&);
KYRTOS_FOR_EACH_SPACE(KYRTOS_TANGENT_FORWARD)

}  // namespace kyrtos::layers::attention
