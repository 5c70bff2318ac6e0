// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <string>
#include <type_traits>
#include <vector>

namespace kyrtos::linalg {

/// Who multiplies matrices; `automatic` is the fastest that is available for the scalar type.
enum class GemmProvider : int { automatic, onednn, kokkos_kernels, cublaslt, rocblas };

enum class Transpose { no, yes };

/// C ← α·op(A)·op(B) + β·C for row-major matrices; with β = 0 the old C is not read.
///
/// op(A) is [m, k], op(B) is [k, n], C is [m, n]; C must not overlap A or B. Asynchronous on the
/// context's instance; bitwise repeatable. 2·m·n·k floating-point operations.
/// \throws ShapeError when the extents do not fit.
template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op,
          std::type_identity_t<Scalar> alpha,
          std::type_identity_t<MatrixView<Scalar const, Space>> const& a,
          std::type_identity_t<MatrixView<Scalar const, Space>> const& b,
          std::type_identity_t<Scalar> beta, MatrixView<Scalar, Space> const& c);

/// What is added to a product: to each of its rows a bias, and a matrix. Either may be empty.
template <class Scalar, class Space>
struct Addends {
  VectorView<Scalar const, Space> bias;
  MatrixView<Scalar const, Space> matrix;
};

/// Whether a library adds these as it writes a product (gemm_plus()).
template <class Scalar, class Space>
bool adds_addends(Context<Space> const& context);

/// C ← op(A)·op(B) + 1 bᵀ + M of a bias b and a matrix M. Only where adds_addends().
template <class Scalar, class Space>
void gemm_plus(Context<Space> const& context, Transpose a_op, Transpose b_op,
               std::type_identity_t<MatrixView<Scalar const, Space>> const& a,
               std::type_identity_t<MatrixView<Scalar const, Space>> const& b,
               std::type_identity_t<Addends<Scalar, Space>> const& plus,
               MatrixView<Scalar, Space> const& c);

/// What this build can multiply matrices with.
struct GemmProviderInfo {
  GemmProvider provider;
  std::string name;
  std::string version;
  std::string scalars;  ///< For instance `float32`, `float32 float64`.
  bool available = false;

  /// `oneDNN 2.7.2`, or the name alone where the version is not known.
  std::string title() const { return version.empty() ? name : name + " " + version; }
};
std::vector<GemmProviderInfo> gemm_providers();

}  // namespace kyrtos::linalg
