// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "gemm_providers.hpp"

#ifdef KYRTOS_HAVE_ROCBLAS
#include <limits>
#include <memory>
#include <rocblas/rocblas.h>
#endif

namespace kyrtos::linalg::rocblas {

#ifdef KYRTOS_HAVE_ROCBLAS

namespace {

using Space = Kokkos::DefaultExecutionSpace;

void check(rocblas_status status, char const* call) {
  if (status != rocblas_status_success)
    throw Error(std::string("gemm: ") + call + ": " + rocblas_status_to_string(status));
}

/// What a Context keeps: rocBLAS's handle on its instance, with sums in a fixed order.
struct Library {
  rocblas_handle handle = nullptr;

  explicit Library(Space const& space) {
    check(rocblas_create_handle(&handle), "rocblas_create_handle");
    check(rocblas_set_stream(handle, space.hip_stream()), "rocblas_set_stream");
    check(rocblas_set_atomics_mode(handle, rocblas_atomics_not_allowed),
          "rocblas_set_atomics_mode");
  }
  ~Library() { rocblas_destroy_handle(handle); }
  Library(Library const&) = delete;
  Library& operator=(Library const&) = delete;
};

Library& library(Context<Space> const& context) {
  auto& kept = context.gemm_library();
  if (!kept) kept = std::make_shared<Library>(context.space());
  return *static_cast<Library*>(kept.get());
}

rocblas_operation operation(Transpose op) {
  return op == Transpose::yes ? rocblas_operation_transpose : rocblas_operation_none;
}

rocblas_int extent(std::size_t n) {
  require(n <= std::size_t{std::numeric_limits<rocblas_int>::max()},
          "gemm: rocBLAS takes no extents of 2^31 or more; use a smaller micro-batch");
  return static_cast<rocblas_int>(n);
}

/// C ← α·op(A)·op(B) + β·C, with α, β, sums and C of the type of results. rocBLAS's matrices are
/// our transposed ones: it is asked for Cᵀ = op(B)ᵀ op(A)ᵀ. Rows are at distances.
struct Product {
  rocblas_datatype factors, results;
  Transpose a_op, b_op;
  std::size_t m, n, k;
  std::size_t a_stride, b_stride, c_stride;

  void operator()(Context<Space> const& context, void const* alpha, void const* a, void const* b,
                  void const* beta, void* c) const {
    rocblas_int const width = extent(n), inner = extent(k), rows = extent(m);
    rocblas_int const c_width = extent(c_stride);
    check(rocblas_gemm_ex(library(context).handle, operation(b_op), operation(a_op), width, rows,
                          inner, alpha, b, factors, extent(b_stride), a, factors, extent(a_stride),
                          beta, c, results, c_width, c, results, c_width, results,
                          rocblas_gemm_algo_standard, 0, rocblas_gemm_flags_none),
          "rocblas_gemm_ex");
  }
};

}  // namespace

template <class Scalar, class S>
void gemm(Context<S> const& context, Transpose a_op, Transpose b_op, Scalar alpha,
          MatrixView<Scalar const, S> const& a, MatrixView<Scalar const, S> const& b, Scalar beta,
          MatrixView<Scalar, S> const& c) {
  auto const type = sizeof(Scalar) == 4 ? rocblas_datatype_f32_r : rocblas_datatype_f64_r;
  std::size_t const k = a.extent(a_op == Transpose::yes ? 0 : 1);
  auto const stride = [](auto const& matrix) { return static_cast<std::size_t>(matrix.stride(0)); };
  Product const product{type,        type, a_op,      b_op,      c.extent(0),
                        c.extent(1), k,    stride(a), stride(b), stride(c)};
  product(context, &alpha, a.data(), b.data(), &beta, c.data());
}

template <class S>
void gemm(Context<S> const& context, RoundedProduct const& of, RoundedOperands<S> const& in,
          MatrixView<float, S> const& c) {
  float const alpha = 1;
  auto const factor = [&](Transpose op, Index rows, Index columns) {
    return static_cast<std::size_t>(
        factor_stride<S>(of.format, op == Transpose::yes ? rows : columns));
  };
  Product const product{rocblas_datatype_bf16_r,
                        rocblas_datatype_f32_r,
                        of.a_op,
                        of.b_op,
                        c.extent(0),
                        c.extent(1),
                        static_cast<std::size_t>(of.k),
                        factor(of.a_op, of.m, of.k),
                        factor(of.b_op, of.k, of.n),
                        static_cast<std::size_t>(c.stride(0))};
  product(context, &alpha, in.a.data(), in.b.data(), &of.beta, c.data());
}

template <class Factor, class Scalar, class S>
void gemm_batched(Context<S> const& context, BatchedProduct<Factor, Scalar, S> const& of) {
  auto const results = sizeof(Scalar) == 4 ? rocblas_datatype_f32_r : rocblas_datatype_f64_r;
  auto const factors = std::is_same_v<Factor, Bfloat16> ? rocblas_datatype_bf16_r : results;
  auto const size = [](Index n) { return extent(static_cast<std::size_t>(n)); };
  check(rocblas_gemm_strided_batched_ex(
            library(context).handle, operation(of.b_op), operation(of.a_op), size(of.c.columns),
            size(of.c.rows), size(of.k()), &of.alpha, of.b.memory.data(), factors,
            size(of.b.row_stride), of.b.batch_stride, of.a.memory.data(), factors,
            size(of.a.row_stride), of.a.batch_stride, &of.beta, of.c.memory.data(), results,
            size(of.c.row_stride), of.c.batch_stride, of.c.memory.data(), results,
            size(of.c.row_stride), of.c.batch_stride, size(of.count), results,
            rocblas_gemm_algo_standard, 0, rocblas_gemm_flags_none),
        "rocblas_gemm_strided_batched_ex");
}

GemmProviderInfo info() {
  std::size_t size = 0;
  check(rocblas_get_version_string_size(&size), "rocblas_get_version_string_size");
  std::string version(size, '\0');
  check(rocblas_get_version_string(version.data(), size), "rocblas_get_version_string");
  version.resize(version.find('\0'));
  return {GemmProvider::rocblas, "rocBLAS", version, "float32 float64 bfloat16 (device)", true};
}

#define KYRTOS_INSTANTIATE_ROCBLAS(SCALAR)                                                         \
  template void gemm(                                                                              \
      Context<Space> const&, Transpose, Transpose, SCALAR, MatrixView<SCALAR const, Space> const&, \
      MatrixView<SCALAR const, Space> const&, SCALAR, MatrixView<SCALAR, Space> const&);
template void gemm(Context<Space> const&, RoundedProduct const&, RoundedOperands<Space> const&,
                   MatrixView<float, Space> const&);
#define KYRTOS_INSTANTIATE_ROCBLAS_BATCHED(FACTOR, SCALAR) \
  template void gemm_batched(Context<Space> const&, BatchedProduct<FACTOR, SCALAR, Space> const&);
KYRTOS_INSTANTIATE_ROCBLAS_BATCHED(float, float)
KYRTOS_INSTANTIATE_ROCBLAS_BATCHED(double, double)
KYRTOS_INSTANTIATE_ROCBLAS_BATCHED(Bfloat16, float)
KYRTOS_INSTANTIATE_ROCBLAS(float)
KYRTOS_INSTANTIATE_ROCBLAS(double)

#else

GemmProviderInfo info() {
  return {GemmProvider::rocblas, "rocBLAS", "", "float32 float64 bfloat16 (device)", false};
}

#endif

}  // namespace kyrtos::linalg::rocblas
