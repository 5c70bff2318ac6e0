// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/linalg/gemm_batched.hpp>

#include "gemm_providers.hpp"

namespace kyrtos::linalg {

namespace {

template <class M>
std::string extents(Transpose op, M const& m) {
  return "[" + std::to_string(m.rows) + ", " + std::to_string(m.columns) + "]" +
         (op == Transpose::yes ? "ᵀ" : "");
}

template <class Factor, class Scalar, class Space>
void check_extents(BatchedProduct<Factor, Scalar, Space> const& of) {
  bool const at = of.a_op == Transpose::yes, bt = of.b_op == Transpose::yes;
  if ((at ? of.a.columns : of.a.rows) != of.c.rows ||
      (bt ? of.b.rows : of.b.columns) != of.c.columns ||
      (at ? of.a.rows : of.a.columns) != (bt ? of.b.columns : of.b.rows))
    throw ShapeError("gemm_batched: " + extents(of.a_op, of.a) + " times " +
                     extents(of.b_op, of.b) + " is not " + extents(Transpose::no, of.c));
}

/// \param overlap whether matrices may share memory: factors.
template <class M>
void check_memory(char const* name, Index count, M const& m, bool overlap) {
  if (count == 0 || m.rows == 0 || m.columns == 0) return;
  Index const span = (m.rows - 1) * m.row_stride + m.columns;
  bool const fits = m.row_stride >= m.columns && m.batch_stride >= 0 &&
                    (overlap || count == 1 || m.batch_stride >= span) &&
                    (count - 1) * m.batch_stride + span <= static_cast<Index>(m.memory.size());
  if (!fits)
    throw ShapeError("gemm_batched: " + std::to_string(count) + " matrices " + name + " " +
                     extents(Transpose::no, m) + " at distances of " +
                     std::to_string(m.batch_stride) + ", with rows at distances of " +
                     std::to_string(m.row_stride) + ", do not fit into " +
                     std::to_string(m.memory.size()) + " values, or overlap");
}

/// C ← βC: an empty sum.
template <class Scalar, class Space>
void scale_batch(Context<Space> const& context, Index count, Scalar beta,
                 MatrixBatch<Scalar, Space> const& c) {
  Index const matrix = c.rows * c.columns;
  Kokkos::parallel_for(
      "kyrtos::linalg::gemm_batched",
      Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>(context.space(), 0, count * matrix),
      KOKKOS_LAMBDA(Index i) {
        Index const in_matrix = i % matrix;
        Scalar& value = c.memory(i / matrix * c.batch_stride +
                                 in_matrix / c.columns * c.row_stride + in_matrix % c.columns);
        value = beta == 0 ? Scalar(0) : beta * value;
      });
}

/// Matrix `i` of a batch, as Kokkos Kernels take it.
template <class T, class Space>
MatrixView<T, Space> matrix(MatrixBatch<T, Space> const& m, Index i) {
  return strided_matrix<T, Space>(m.memory.data() + i * m.batch_stride, m.rows, m.columns,
                                  m.row_stride);
}

/// One product after the other.
template <class Scalar, class Space>
void one_by_one(Context<Space> const& context, BatchedProduct<Scalar, Scalar, Space> const& of) {
  for (Index i = 0; i < of.count; ++i)
    kokkos_kernels::gemm<Scalar, Space>(context, of.a_op, of.b_op, of.alpha, matrix(of.a, i),
                                        matrix(of.b, i), of.beta, matrix(of.c, i));
}

template <class Scalar, class Space>
void multiply(Context<Space> const& context, BatchedProduct<Scalar, Scalar, Space> const& of) {
  auto const provider = chosen_provider<Scalar, Space>(context.options().gemm);
  if constexpr (onednn::supports<Scalar, Space> && onednn::has_plans<Space>)
    if (provider == GemmProvider::onednn) return onednn::gemm_batched(context, of);
  if constexpr (cublaslt::supports<Space>)
    if (provider == GemmProvider::cublaslt) return cublaslt::gemm_batched(context, of);
  if constexpr (rocblas::supports<Space>)
    if (provider == GemmProvider::rocblas) return rocblas::gemm_batched(context, of);
  one_by_one(context, of);
}

template <class Space>
void multiply(Context<Space> const& context, BatchedProduct<Bfloat16, float, Space> const& of) {
  auto const missing = RoundedProducts<Space>::missing(FactorFormat::bfloat16);
  require<ConfigError>(missing.empty(),
                       "products in bfloat16: " + missing + "; multiply in float32");
  if constexpr (cublaslt::supports<Space>)
    cublaslt::gemm_batched(context, of);
  else if constexpr (rocblas::supports<Space>)
    rocblas::gemm_batched(context, of);
  else if constexpr (onednn::has_plans<Space>)
    onednn::gemm_batched(context, of);
}

}  // namespace

template <class Factor, class Scalar, class Space>
void gemm_batched(Context<Space> const& context, Index count, Transpose a_op, Transpose b_op,
                  std::type_identity_t<Scalar> alpha,
                  std::type_identity_t<MatrixBatch<Factor const, Space>> const& a,
                  std::type_identity_t<MatrixBatch<Factor const, Space>> const& b,
                  std::type_identity_t<Scalar> beta, MatrixBatch<Scalar, Space> const& c) {
  BatchedProduct<Factor, Scalar, Space> const of{count, a_op, b_op, alpha, beta, a, b, c};
  check_extents(of);
  check_memory("A", count, a, true);
  check_memory("B", count, b, true);
  check_memory("C", count, c, false);
  if (count == 0 || c.rows == 0 || c.columns == 0) return;
  if (of.k() == 0) return scale_batch(context, count, beta, c);
  auto const n = static_cast<double>(count), k = static_cast<double>(of.k());
  auto const rows = static_cast<double>(c.rows), columns = static_cast<double>(c.columns);
  Region<Space> const region(
      context, "kyrtos::linalg::gemm_batched",
      {.flops = 2 * n * rows * columns * k,
       .bytes = n * ((rows + columns) * k * sizeof(Factor) +
                     rows * columns * sizeof(Scalar) * (beta == 0 ? 1 : 2))});
  multiply(context, of);
}

#define KYRTOS_INSTANTIATE_BATCHED_(FACTOR, SCALAR, SPACE)                                      \
  template void gemm_batched<FACTOR, SCALAR, SPACE>(                                            \
      Context<SPACE> const&, Index, Transpose, Transpose, SCALAR,                               \
      MatrixBatch<FACTOR const, SPACE> const&, MatrixBatch<FACTOR const, SPACE> const&, SCALAR, \
      MatrixBatch<SCALAR, SPACE> const&);
#define KYRTOS_INSTANTIATE_BATCHED(SPACE)            \
  KYRTOS_INSTANTIATE_BATCHED_(float, float, SPACE)   \
  KYRTOS_INSTANTIATE_BATCHED_(double, double, SPACE) \
  KYRTOS_INSTANTIATE_BATCHED_(Bfloat16, float, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_BATCHED)

}  // namespace kyrtos::linalg
