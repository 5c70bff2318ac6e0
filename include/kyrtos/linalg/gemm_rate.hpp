// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

namespace kyrtos::linalg {

/// Floating-point operations a second of C = A·B with square matrices, the best of `repetitions`
/// after one to warm up: what the speed of everything else is a share of. Allocates three matrices
/// for its duration, and waits for the instance.
template <class Scalar, class Space>
double measure_gemm_rate(Context<Space> const& context, Index size = 2048, int repetitions = 3);

}  // namespace kyrtos::linalg
