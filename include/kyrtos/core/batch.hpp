// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

namespace kyrtos {

/// One micro-batch in device memory. Either tokens, or continuous fields (science codes).
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
struct Batch {
  SequenceShape shape = {};
  VectorView<Token const, Space> inputs = {};          ///< [tokens]
  VectorView<Token const, Space> targets = {};         ///< [tokens]; negative: ignored
  MatrixView<Scalar const, Space> input_fields = {};   ///< [tokens, input_features]
  MatrixView<Scalar const, Space> target_fields = {};  ///< [tokens, output_features]
  /// The loss is `weight` times the sum over rows: 1/(number of targets) of the *global* batch
  /// gives a mean that does not depend on how the batch is split.
  double weight = 1;
  Index first_position = 0;  ///< Of each sequence's first token, where sequences go on.
};

}  // namespace kyrtos
