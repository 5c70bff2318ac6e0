// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "backward_kernels.hpp"
#include "passes.hpp"

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
std::size_t tangent_backward(Space const& space, TangentBackwardArguments<Scalar> const& in,
                             AttentionBackward how) {
  return launch_backward<TangentBackwardTile, Scalar>(space, "kyrtos::attention::tangent_backward",
                                                      in, how);
}

#define KYRTOS_TANGENT_BACKWARD(SPACE)                                                         \
  template std::size_t tangent_backward(SPACE const&, TangentBackwardArguments<float> const&,  \
                                        AttentionBackward);                                    \
  template std::size_t tangent_backward(SPACE const&, TangentBackwardArguments<double> const&, \
                                        AttentionBackward);
KYRTOS_FOR_EACH_SPACE(KYRTOS_TANGENT_BACKWARD)

}  // namespace kyrtos::layers::attention
