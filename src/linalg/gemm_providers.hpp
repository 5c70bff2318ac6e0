// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/config.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/gemm_batched.hpp>
#include <kyrtos/linalg/rounded_products.hpp>

#include <compare>
#include <cstddef>
#include <string>

/// \file
/// \brief The providers behind linalg::gemm, one source file each.

namespace kyrtos::linalg {

/// C ← op(A)·op(B) + β·C of rounded factors and of sums and C in float32; C is [m, n], sums have k
/// terms (linalg/rounded_products.hpp).
struct RoundedProduct {
  FactorFormat format;
  Transpose a_op, b_op;
  Index m, n, k;
  float beta;
  Index c_stride = 0;  ///< Distance of C's rows; 0: they are not padded.
  auto operator<=>(RoundedProduct const&) const = default;
};

/// Bytes of an element of a rounded factor.
inline Index bytes_of(FactorFormat format) {
  return format == FactorFormat::tf32 ? 4 : 2;
}

/// Distance of the rows of a rounded factor: on devices whole units of 16 bytes, as matrix units
/// load them. An odd one, such as that of a vocabulary of 50,257, keeps libraries from these.
template <class Space>
Index factor_stride(FactorFormat format, Index columns) {
  if (compat::runs_on_host<Space>) return columns;
  Index const unit = 16 / bytes_of(format);
  return (columns + unit - 1) / unit * unit;
}

/// Factors as factor_stride() has them, of 2 bytes an element in bfloat16 and of 4 in TF32, and
/// memory of the library's own.
template <class Space>
struct RoundedOperands {
  VectorView<std::byte, Space> a, b, scratchpad;
};

/// A batch of products, checked: C is not empty, and k is not 0.
template <class Factor, class Scalar, class Space>
struct BatchedProduct {
  Index count;
  Transpose a_op, b_op;
  Scalar alpha, beta;
  MatrixBatch<Factor const, Space> a, b;
  MatrixBatch<Scalar, Space> c;

  Index k() const { return a_op == Transpose::yes ? a.rows : a.columns; }
};

/// The wanted provider, or the fastest one there is. \throws ConfigError where it can't multiply.
template <class Scalar, class Space>
GemmProvider chosen_provider(GemmProvider wanted);

/// gemm() by the provider that the context names or the fastest there is, of factors that nothing
/// rounds.
template <class Scalar, class Space>
void gemm_full_precision(Context<Space> const& context, Transpose a_op, Transpose b_op,
                         Scalar alpha, MatrixView<Scalar const, Space> const& a,
                         MatrixView<Scalar const, Space> const& b, Scalar beta,
                         MatrixView<Scalar, Space> const& c);

/// oneDNN (https://oneapi-src.github.io/oneDNN): the fastest float32 on most CPUs.
namespace onednn {
#ifdef KYRTOS_HAVE_ONEDNN
inline constexpr bool enabled = true;
#else
inline constexpr bool enabled = false;
#endif

template <class Scalar, class Space>
inline constexpr bool supports =
    enabled&& std::is_same_v<Scalar, float>&& compat::runs_on_host<Space>;

template <class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, float alpha,
          MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
          float beta, MatrixView<float, Space> const& c);

/// What gemm() chooses from: sgemm, and, where it has plans, planned_gemm().
template <class Space>
void sgemm(Context<Space> const& context, Transpose a_op, Transpose b_op, float alpha,
           MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
           float beta, MatrixView<float, Space> const& c);

/// Whether it plans products, which needs its C++ interface.
#ifdef KYRTOS_HAVE_ONEDNN_CXX
template <class Space>
inline constexpr bool has_plans = compat::runs_on_host<Space>;
#else
template <class Space>
inline constexpr bool has_plans = false;
#endif
/// The same as gemm() with α = 1, by a plan that the context keeps.
template <class Space>
void planned_gemm(Context<Space> const& context, Transpose a_op, Transpose b_op,
                  MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
                  float beta, MatrixView<float, Space> const& c);
/// Empty where this build and processor multiply in bfloat16; otherwise, what is missing. The rest
/// is for products of that format only.
std::string bf16_missing();
/// Bytes of the scratchpad for such a product.
std::size_t bf16_scratchpad(RoundedProduct const& of);
template <class Space>
void gemm(Context<Space> const& context, RoundedProduct const& of, RoundedOperands<Space> const& in,
          MatrixView<float, Space> const& c);

/// By a plan that the context keeps.
template <class Factor, class Space>
void gemm_batched(Context<Space> const& context, BatchedProduct<Factor, float, Space> const& of);

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
inline constexpr bool supports = enabled && !compat::runs_on_host<Space>;

/// \param plus a bias, of float, is added by the kernel that writes C, and a matrix is read in the
/// place of C, with β = 1.
template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, Scalar alpha,
          MatrixView<Scalar const, Space> const& a, MatrixView<Scalar const, Space> const& b,
          Scalar beta, MatrixView<Scalar, Space> const& c, Addends<Scalar, Space> const& plus = {});
template <class Space>
void gemm(Context<Space> const& context, RoundedProduct const& of, RoundedOperands<Space> const& in,
          MatrixView<float, Space> const& c, Addends<float, Space> const& plus = {});

template <class Factor, class Scalar, class Space>
void gemm_batched(Context<Space> const& context, BatchedProduct<Factor, Scalar, Space> const& of);

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
inline constexpr bool supports = enabled && !compat::runs_on_host<Space>;

template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, Scalar alpha,
          MatrixView<Scalar const, Space> const& a, MatrixView<Scalar const, Space> const& b,
          Scalar beta, MatrixView<Scalar, Space> const& c);
template <class Space>
void gemm(Context<Space> const& context, RoundedProduct const& of, RoundedOperands<Space> const& in,
          MatrixView<float, Space> const& c);

template <class Factor, class Scalar, class Space>
void gemm_batched(Context<Space> const& context, BatchedProduct<Factor, Scalar, Space> const& of);

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
