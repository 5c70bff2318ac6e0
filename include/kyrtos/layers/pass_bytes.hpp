// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

namespace kyrtos::layers {

/// The four passes of a layer, in the order of layer.hpp.
enum class PassKind { forward, backward, tangent_forward, tangent_backward };

/// Bytes of the matrices and parameters that a pass reads or writes, each once: what it has to move
/// where no cache holds them. From the table in layer.hpp; a layer that works in place reads
/// neither x nor dy again.
template <class Scalar, class Space>
double pass_bytes(Layer<Scalar, Space> const& layer, PassKind pass, SequenceShape shape,
                  Index parameters) {
  auto const n = static_cast<double>(shape.tokens()), w = static_cast<double>(parameters);
  double const x = n * static_cast<double>(layer.in_features());
  double const y = n * static_cast<double>(layer.out_features());
  double const x_again = layer.in_place() ? 0 : x, dy_again = layer.in_place() ? 0 : y;
  double const values = pass == PassKind::forward    ? x + y + w
                        : pass == PassKind::backward ? x + y + 3 * w + x_again
                        : pass == PassKind::tangent_forward
                            ? x + y + 2 * w + x_again
                            : x + y + 4 * w + 2 * x_again + dy_again;
  return values * sizeof(Scalar);
}

}  // namespace kyrtos::layers
