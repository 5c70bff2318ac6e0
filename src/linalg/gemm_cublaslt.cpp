// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "gemm_providers.hpp"

#ifdef KYRTOS_HAVE_CUBLASLT
#include <algorithm>
#include <cublasLt.h>
#include <limits>
#include <map>
#include <memory>
#include <utility>
#endif

namespace kyrtos::linalg::cublaslt {

#ifdef KYRTOS_HAVE_CUBLASLT

namespace {

void check(cublasStatus_t status, char const* call) {
  if (status != CUBLAS_STATUS_SUCCESS)
    throw Error(std::string("gemm: ") + call + ": " + cublasLtGetStatusString(status));
}

template <auto destroy>
struct Destroy {
  template <class T>
  void operator()(T* object) const {
    destroy(object);
  }
};
template <class Pointer, auto destroy>
using Owner = std::unique_ptr<std::remove_pointer_t<Pointer>, Destroy<destroy>>;
using Handle = Owner<cublasLtHandle_t, cublasLtDestroy>;
using Layout = Owner<cublasLtMatrixLayout_t, cublasLtMatrixLayoutDestroy>;
using Product = Owner<cublasLtMatmulDesc_t, cublasLtMatmulDescDestroy>;
using Preference = Owner<cublasLtMatmulPreference_t, cublasLtMatmulPreferenceDestroy>;

/// A matrix as cuBLASLt sees it: its rows are our columns. `alignment` is that of its address in
/// bytes, as far as it matters.
struct Shape {
  std::uint64_t rows, columns;
  std::uint32_t alignment;
  std::int64_t stride;     ///< Of columns, that is of our rows.
  std::int32_t count = 1;  ///< Of a batch
  std::int64_t batch_stride = 0;
  auto operator<=>(Shape const&) const = default;
};

std::uint32_t alignment_of(std::uintptr_t address) {
  return static_cast<std::uint32_t>((address | 256) & -(address | 256));
}

/// 0 for none.
std::uint32_t alignment_of(void const* data) {
  return data == nullptr ? 0 : alignment_of(reinterpret_cast<std::uintptr_t>(data));
}

/// \param row_bytes distance of the rows, which are all aligned as the first one, or less.
Shape shape_of(Index rows, Index columns, Index stride, void const* data, Index row_bytes) {
  auto const address = reinterpret_cast<std::uintptr_t>(data);
  return {static_cast<std::uint64_t>(columns), static_cast<std::uint64_t>(rows),
          alignment_of(address | static_cast<std::uintptr_t>(row_bytes)), stride};
}

template <class Matrix>
Shape shape_of(Matrix const& m) {
  auto const stride = static_cast<Index>(m.stride(0));
  return shape_of(static_cast<Index>(m.extent(0)), static_cast<Index>(m.extent(1)), stride,
                  m.data(), stride * Index{sizeof(typename Matrix::value_type)});
}

/// Of C, and of a matrix like it that is read in its place, if there is one.
template <class Scalar, class Space>
Shape shape_of_result(MatrixView<Scalar, Space> const& c, Addends<Scalar, Space> const& plus) {
  auto shape = shape_of(c);
  if (plus.matrix.size() > 0)
    shape.alignment = std::min(shape.alignment, shape_of(plus.matrix).alignment);
  return shape;
}

template <class T, class Space>
Shape shape_of(Index count, MatrixBatch<T, Space> const& m) {
  require(count <= std::numeric_limits<std::int32_t>::max(),
          "gemm_batched: cuBLASLt takes no batches of 2^31 products or more");
  // Every matrix of the batch is aligned as the first one, or less.
  auto shape = shape_of(m.rows, m.columns, m.row_stride, m.memory.data(),
                        (m.row_stride | m.batch_stride) * Index{sizeof(T)});
  shape.count = static_cast<std::int32_t>(count);
  shape.batch_stride = m.batch_stride;
  return shape;
}

/// All that the choice of an algorithm depends on. Since cuBLASLt's matrices are our transposed
/// ones, it is asked for Cᵀ = op(B)ᵀ op(A)ᵀ: B comes first.
struct Problem {
  cudaDataType_t factors, results;
  cublasComputeType_t sums;
  Transpose first_op, second_op;
  Shape first, second, result;
  std::uint32_t bias_alignment = 0;  ///< Of one number a column of ours; 0: none is added.
  auto operator<=>(Problem const&) const = default;
};

/// The descriptions and the algorithm of one problem.
struct Plan {
  Product product;
  Layout first, second, result;
  cublasLtMatmulAlgo_t algorithm;
};

Layout layout(Shape const& s, cudaDataType_t scalar) {
  cublasLtMatrixLayout_t made = nullptr;
  check(cublasLtMatrixLayoutCreate(&made, scalar, s.rows, s.columns, s.stride),
        "cublasLtMatrixLayoutCreate");
  Layout result(made);
  auto const set = [&](cublasLtMatrixLayoutAttribute_t which, auto value) {
    check(cublasLtMatrixLayoutSetAttribute(made, which, &value, sizeof value),
          "cublasLtMatrixLayoutSetAttribute");
  };
  set(CUBLASLT_MATRIX_LAYOUT_BATCH_COUNT, s.count);
  set(CUBLASLT_MATRIX_LAYOUT_STRIDED_BATCH_OFFSET, s.batch_stride);
  return result;
}

/// \param bias is known already when an algorithm is chosen: that may depend on it.
Product product(Problem const& p, void const* bias) {
  cublasLtMatmulDesc_t made = nullptr;
  check(cublasLtMatmulDescCreate(&made, p.sums, p.results), "cublasLtMatmulDescCreate");
  Product result(made);
  auto const set = [&](cublasLtMatmulDescAttributes_t which, auto value) {
    check(cublasLtMatmulDescSetAttribute(made, which, &value, sizeof value),
          "cublasLtMatmulDescSetAttribute");
  };
  auto const operation = [](Transpose op) {
    return op == Transpose::yes ? CUBLAS_OP_T : CUBLAS_OP_N;
  };
  set(CUBLASLT_MATMUL_DESC_TRANSA, operation(p.first_op));
  set(CUBLASLT_MATMUL_DESC_TRANSB, operation(p.second_op));
  if (bias != nullptr) {
    set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS);
    set(CUBLASLT_MATMUL_DESC_BIAS_POINTER, bias);
  }
  return result;
}

/// No reduction in place: the order of its sums is not fixed.
Preference preference(Problem const& p, std::uint64_t workspace) {
  cublasLtMatmulPreference_t made = nullptr;
  check(cublasLtMatmulPreferenceCreate(&made), "cublasLtMatmulPreferenceCreate");
  Preference result(made);
  auto const set = [&](cublasLtMatmulPreferenceAttributes_t which, auto value) {
    check(cublasLtMatmulPreferenceSetAttribute(made, which, &value, sizeof value),
          "cublasLtMatmulPreferenceSetAttribute");
  };
  set(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace);
  set(CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK,
      std::uint32_t{CUBLASLT_REDUCTION_SCHEME_COMPUTE_TYPE |
                    CUBLASLT_REDUCTION_SCHEME_OUTPUT_TYPE});
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, p.first.alignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, p.second.alignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, p.result.alignment);
  set(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, p.result.alignment);
  return result;
}

/// What a Context keeps: cuBLASLt's handle, memory for partial sums, and a plan for each problem
/// it has met, so that the same product is always computed by the same algorithm.
template <class Space>
struct Library {
  static constexpr std::size_t workspace_bytes = std::size_t{32} << 20;  // NVIDIA's advice

  Handle handle;
  Vector<std::byte, Space> workspace;
  std::map<Problem, Plan> plans;

  explicit Library(Context<Space> const& context)
      : workspace(Kokkos::view_alloc(context.space(), Kokkos::WithoutInitializing,
                                     "kyrtos::linalg::cublaslt"),
                  workspace_bytes) {
    cublasLtHandle_t made = nullptr;
    check(cublasLtCreate(&made), "cublasLtCreate");
    handle.reset(made);
  }

  Plan const& plan(Problem const& p, void const* bias) {
    if (auto const known = plans.find(p); known != plans.end()) return known->second;
    Plan made{product(p, bias),
              layout(p.first, p.factors),
              layout(p.second, p.factors),
              layout(p.result, p.results),
              {}};
    auto const wishes = preference(p, workspace_bytes);
    cublasLtMatmulHeuristicResult_t best{};
    int found = 0;
    check(cublasLtMatmulAlgoGetHeuristic(handle.get(), made.product.get(), made.first.get(),
                                         made.second.get(), made.result.get(), made.result.get(),
                                         wishes.get(), 1, &best, &found),
          "cublasLtMatmulAlgoGetHeuristic");
    require<Error>(found == 1, "gemm: cuBLASLt has no algorithm for this product");
    made.algorithm = best.algo;
    return plans.emplace(p, std::move(made)).first->second;
  }
};

template <class Space>
Library<Space>& library(Context<Space> const& context) {
  auto& kept = context.gemm_library();
  if (!kept) kept = std::make_shared<Library<Space>>(context);
  return *static_cast<Library<Space>*>(kept.get());
}

/// C ← α·op(A)·op(B) + β·C, with α, β and C of the type of results, and a bias if p has one. C is
/// read where `plus` has a matrix in its place.
template <class Scalar, class Space>
void multiply(Context<Space> const& context, Problem const& p, Scalar alpha, void const* a,
              void const* b, Scalar beta, Scalar* c, Addends<Scalar, Space> const& plus = {}) {
  auto& library = cublaslt::library(context);
  Scalar const* const bias = plus.bias.data();
  auto const& plan = library.plan(p, bias);
  if (bias != nullptr)
    check(cublasLtMatmulDescSetAttribute(plan.product.get(), CUBLASLT_MATMUL_DESC_BIAS_POINTER,
                                         &bias, sizeof bias),
          "cublasLtMatmulDescSetAttribute");
  Scalar const* const read = plus.matrix.size() > 0 ? plus.matrix.data() : c;
  check(cublasLtMatmul(library.handle.get(), plan.product.get(), &alpha, b, plan.first.get(), a,
                       plan.second.get(), &beta, read, plan.result.get(), c, plan.result.get(),
                       &plan.algorithm, library.workspace.data(), library.workspace.size(),
                       context.space().cuda_stream()),
        "cublasLtMatmul");
}

}  // namespace

template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, Scalar alpha,
          MatrixView<Scalar const, Space> const& a, MatrixView<Scalar const, Space> const& b,
          Scalar beta, MatrixView<Scalar, Space> const& c, Addends<Scalar, Space> const& plus) {
  constexpr bool single = std::is_same_v<Scalar, float>;
  constexpr auto type = single ? CUDA_R_32F : CUDA_R_64F;
  Problem const p{type,
                  type,
                  single ? CUBLAS_COMPUTE_32F : CUBLAS_COMPUTE_64F,
                  b_op,
                  a_op,
                  shape_of(b),
                  shape_of(a),
                  shape_of_result(c, plus),
                  alignment_of(plus.bias.data())};
  multiply(context, p, alpha, a.data(), b.data(), beta, c.data(), plus);
}

template <class Space>
void gemm(Context<Space> const& context, RoundedProduct const& of, RoundedOperands<Space> const& in,
          MatrixView<float, Space> const& c, Addends<float, Space> const& plus) {
  auto const factor = [&](Transpose op, Index rows, Index columns, void const* data) {
    if (op == Transpose::yes) std::swap(rows, columns);
    Index const stride = factor_stride<Space>(of.format, columns);
    return shape_of(rows, columns, stride, data, stride * bytes_of(of.format));
  };
  bool const is_tf32 = of.format == FactorFormat::tf32;
  Problem const p{is_tf32 ? CUDA_R_32F : CUDA_R_16BF,
                  CUDA_R_32F,
                  is_tf32 ? CUBLAS_COMPUTE_32F_FAST_TF32 : CUBLAS_COMPUTE_32F,
                  of.b_op,
                  of.a_op,
                  factor(of.b_op, of.k, of.n, in.b.data()),
                  factor(of.a_op, of.m, of.k, in.a.data()),
                  shape_of_result(c, plus),
                  alignment_of(plus.bias.data())};
  multiply(context, p, 1.0f, in.a.data(), in.b.data(), of.beta, c.data(), plus);
}

template <class Factor, class Scalar, class Space>
void gemm_batched(Context<Space> const& context, BatchedProduct<Factor, Scalar, Space> const& of) {
  constexpr bool single = std::is_same_v<Scalar, float>;
  constexpr auto results = single ? CUDA_R_32F : CUDA_R_64F;
  constexpr auto factors = std::is_same_v<Factor, Bfloat16> ? CUDA_R_16BF : results;
  auto const* const products = context.products();
  bool const is_tf32 = std::is_same_v<Factor, float> && products != nullptr &&
                       products->format() == FactorFormat::tf32;
  auto const sums = is_tf32  ? CUBLAS_COMPUTE_32F_FAST_TF32
                    : single ? CUBLAS_COMPUTE_32F
                             : CUBLAS_COMPUTE_64F;
  Problem const p{factors,
                  results,
                  sums,
                  of.b_op,
                  of.a_op,
                  shape_of(of.count, of.b),
                  shape_of(of.count, of.a),
                  shape_of(of.count, of.c)};
  multiply(context, p, of.alpha, of.a.memory.data(), of.b.memory.data(), of.beta,
           of.c.memory.data());
}

GemmProviderInfo info() {
  auto const v = cublasLtGetVersion();
  return {GemmProvider::cublaslt, "cuBLASLt",
          std::to_string(v / 10000) + "." + std::to_string(v / 100 % 100) + "." +
              std::to_string(v % 100),
          "float32 float64 bfloat16 tf32 (device)", true};
}

#define KYRTOS_INSTANTIATE_CUBLASLT(SCALAR)                                                       \
  template void gemm(Context<Kokkos::DefaultExecutionSpace> const&, Transpose, Transpose, SCALAR, \
                     MatrixView<SCALAR const, Kokkos::DefaultExecutionSpace> const&,              \
                     MatrixView<SCALAR const, Kokkos::DefaultExecutionSpace> const&, SCALAR,      \
                     MatrixView<SCALAR, Kokkos::DefaultExecutionSpace> const&,                    \
                     Addends<SCALAR, Kokkos::DefaultExecutionSpace> const&);
template void gemm(Context<Kokkos::DefaultExecutionSpace> const&, RoundedProduct const&,
                   RoundedOperands<Kokkos::DefaultExecutionSpace> const&,
                   MatrixView<float, Kokkos::DefaultExecutionSpace> const&,
                   Addends<float, Kokkos::DefaultExecutionSpace> const&);
#define KYRTOS_INSTANTIATE_CUBLASLT_BATCHED(FACTOR, SCALAR) \
  template void gemm_batched(                               \
      Context<Kokkos::DefaultExecutionSpace> const&,        \
      BatchedProduct<FACTOR, SCALAR, Kokkos::DefaultExecutionSpace> const&);
KYRTOS_INSTANTIATE_CUBLASLT_BATCHED(float, float)
KYRTOS_INSTANTIATE_CUBLASLT_BATCHED(double, double)
KYRTOS_INSTANTIATE_CUBLASLT_BATCHED(Bfloat16, float)
KYRTOS_INSTANTIATE_CUBLASLT(float)
KYRTOS_INSTANTIATE_CUBLASLT(double)

#else

GemmProviderInfo info() {
  return {GemmProvider::cublaslt, "cuBLASLt", "", "float32 float64 bfloat16 tf32 (device)", false};
}

#endif

}  // namespace kyrtos::linalg::cublaslt
