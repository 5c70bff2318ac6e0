// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "forward.hpp"

#include "passes.hpp"

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
std::size_t forward(Space const& space, ForwardArguments<Scalar> const& in) {
  std::size_t bytes = 0;
  with_head_size<Scalar, Space>(in.g.head_size, [&](auto head_size) {
    ForwardKernel<Scalar, Space, head_size> const kernel{in};
    bytes = launch(space, "kyrtos::attention::forward", kernel, kernel.teams());
  });
  return bytes;
}

#define KYRTOS_FORWARD(SPACE)                                                 \
  template std::size_t forward(SPACE const&, ForwardArguments<float> const&); \
  template std::size_t forward(SPACE const&, ForwardArguments<double> const&);
KYRTOS_FOR_EACH_SPACE(KYRTOS_FORWARD)

}  // namespace kyrtos::layers::attention
