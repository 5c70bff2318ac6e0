// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/gemm.hpp>
#include <kyrtos/linalg/rounding.hpp>

namespace kyrtos::linalg {

/// Row-major matrices [rows, columns] of one batch: element (i, j) of matrix b is
/// memory(b·batch_stride + i·row_stride + j).
template <class T, class Space>
struct MatrixBatch {
  VectorView<T, Space> memory;
  Index rows = 0, columns = 0;
  Index row_stride = 0;    ///< At least `columns`.
  Index batch_stride = 0;  ///< Those of C must not overlap; a factor may be shared: 0.

  operator MatrixBatch<T const, Space>() const requires(!std::is_const_v<T>) {
    return {memory, rows, columns, row_stride, batch_stride};
  }
};

/// C[b] ← α·op(A[b])·op(B[b]) + β·C[b] for b in [0, count); with β = 0 the old C is not read.
///
/// op(A) is [m, k], op(B) is [k, n], C is [m, n]; C must not overlap A or B. Asynchronous on the
/// context's instance; bitwise repeatable. 2·count·m·n·k floating-point operations.
///
/// Factors are float, double, or Bfloat16; sums and C are float or double. Nothing is rounded here:
/// who wants factors in bfloat16 gives them so, and where the context's products are of TF32
/// factors (Context::products()) float factors must be numbers of TF32 already, which devices then
/// multiply by their unit for these. oneDNN, cuBLASLt and rocBLAS take the whole batch at once;
/// Kokkos Kernels take its products one by one.
/// \throws ShapeError when the extents or strides do not fit, ConfigError for factors in bfloat16
/// where nothing multiplies them (RoundedProducts::missing()).
template <class Factor, class Scalar, class Space>
void gemm_batched(Context<Space> const& context, Index count, Transpose a_op, Transpose b_op,
                  std::type_identity_t<Scalar> alpha,
                  std::type_identity_t<MatrixBatch<Factor const, Space>> const& a,
                  std::type_identity_t<MatrixBatch<Factor const, Space>> const& b,
                  std::type_identity_t<Scalar> beta, MatrixBatch<Scalar, Space> const& c);

}  // namespace kyrtos::linalg
