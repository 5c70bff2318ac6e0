// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/config.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/gemm.hpp>

/// \file
/// \brief The providers behind linalg::gemm, one source file each.

namespace kyrtos::linalg {

/// oneDNN (https://oneapi-src.github.io/oneDNN): the fastest float32 on most CPUs.
namespace onednn {
#ifdef KYRTOS_HAVE_ONEDNN
inline constexpr bool enabled = true;
#else
inline constexpr bool enabled = false;
#endif

template <class Scalar, class Space>
inline constexpr bool supports =
    enabled&& std::is_same_v<Scalar, float>&& compat::is_host_accessible<Space>;

template <class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, float alpha,
          MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
          float beta, MatrixView<float, Space> const& c);

GemmProviderInfo info();
}  // namespace onednn

/// cuBLASLt (https://docs.nvidia.com/cuda/cublas) on CUDA devices.
namespace cublaslt {
#ifdef KYRTOS_HAVE_CUBLASLT
inline constexpr bool enabled = true;
#else
inline constexpr bool enabled = false;
#endif

template <class Space>
inline constexpr bool supports = enabled && !compat::is_host_accessible<Space>;

template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, Scalar alpha,
          MatrixView<Scalar const, Space> const& a, MatrixView<Scalar const, Space> const& b,
          Scalar beta, MatrixView<Scalar, Space> const& c);

GemmProviderInfo info();
}  // namespace cublaslt

/// rocBLAS (https://rocm.docs.amd.com/projects/rocBLAS) on HIP devices.
namespace rocblas {
#ifdef KYRTOS_HAVE_ROCBLAS
inline constexpr bool enabled = true;
#else
inline constexpr bool enabled = false;
#endif

template <class Space>
inline constexpr bool supports = enabled && !compat::is_host_accessible<Space>;

template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, Scalar alpha,
          MatrixView<Scalar const, Space> const& a, MatrixView<Scalar const, Space> const& b,
          Scalar beta, MatrixView<Scalar, Space> const& c);

GemmProviderInfo info();
}  // namespace rocblas

/// Kokkos Kernels over whatever BLAS it was built with: every scalar, every backend.
namespace kokkos_kernels {
template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, Scalar alpha,
          MatrixView<Scalar const, Space> const& a, MatrixView<Scalar const, Space> const& b,
          Scalar beta, MatrixView<Scalar, Space> const& c);

GemmProviderInfo info();
}  // namespace kokkos_kernels

}  // namespace kyrtos::linalg
