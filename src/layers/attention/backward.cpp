// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "backward_kernels.hpp"
#include "passes.hpp"

namespace kyrtos::layers::attention {

template <class Scalar, class Space>
std::size_t backward(Space const& space, BackwardArguments<Scalar> const& in,
                     AttentionBackward how) {
  return launch_backward<BackwardTile, Scalar>(space, "kyrtos::attention::backward", in, how);
}

#define KYRTOS_BACKWARD(SPACE)                                                                     \
  template std::size_t backward(SPACE const&, BackwardArguments<float> const&, AttentionBackward); \
  template std::size_t backward(SPACE const&, BackwardArguments<double> const&, AttentionBackward);
KYRTOS_FOR_EACH_SPACE(KYRTOS_BACKWARD)

}  // namespace kyrtos::layers::attention
