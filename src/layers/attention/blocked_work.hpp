// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/pass_bytes.hpp>
#include <kyrtos/layers/work.hpp>

#include "geometry.hpp"

namespace kyrtos::layers::attention {

/// What a blocked pass does beside reading x and writing y, or their adjoints (pass_bytes()): as
/// blocked_passes.hpp has it, block by block. For each pair of a block's queries and keys products
/// write scores (4 bytes in float32), a kernel reads them and writes factors (2 bytes in bfloat16),
/// which the next products read:
///
/// | pass             | scores | factors | read by products | bytes a pair, bfloat16 |
/// |------------------|--------|---------|------------------|------------------------|
/// | forward          | 1      | 1       | 1                | 12                     |
/// | tangent forward  | 2      | 2       | 2                | 24                     |
/// | backward         | 2      | 2       | 3                | 26                     |
/// | tangent backward | 4      | 4       | 6                | 52                     |
///
/// A row of scores that a kernel reads twice counts once: caches hold it.
template <class Scalar>
Work blocked_work(PassKind pass, Geometry<Scalar> const& g, Machine const& machine,
                  Index working_bytes);

}  // namespace kyrtos::layers::attention
