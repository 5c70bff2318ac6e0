// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "gemm_providers.hpp"

namespace kyrtos::linalg {

namespace {

std::string extents(Transpose op, auto const& m) {
  return "[" + std::to_string(m.extent(0)) + ", " + std::to_string(m.extent(1)) + "]" +
         (op == Transpose::yes ? "ᵀ" : "");
}

void check_extents(Transpose a_op, Transpose b_op, auto const& a, auto const& b, auto const& c) {
  bool const at = a_op == Transpose::yes, bt = b_op == Transpose::yes;
  if (a.extent(at ? 1 : 0) != c.extent(0) || b.extent(bt ? 0 : 1) != c.extent(1) ||
      a.extent(at ? 0 : 1) != b.extent(bt ? 1 : 0))
    throw ShapeError("gemm: " + extents(a_op, a) + " times " + extents(b_op, b) + " is not " +
                     extents(Transpose::no, c));
}

template <class Scalar, class Space>
bool can_multiply(GemmProvider provider) {
  switch (provider) {
    case GemmProvider::onednn:
      return onednn::supports<Scalar, Space>;
    case GemmProvider::cublaslt:
      return cublaslt::supports<Space>;
    case GemmProvider::rocblas:
      return rocblas::supports<Space>;
    case GemmProvider::automatic:
    case GemmProvider::kokkos_kernels:
      break;
  }
  return true;
}

[[noreturn]] void refuse(GemmProvider wanted) {
  for (auto const& info : gemm_providers())
    if (info.provider == wanted)
      throw ConfigError("gemm: " + info.name + " multiplies " + info.scalars + " matrices" +
                        (info.available ? " only" : ", but is not in this build") +
                        "; choose another provider, or automatic");
  throw ConfigError("gemm: there is no such provider");
}

}  // namespace

template <class Scalar, class Space>
GemmProvider chosen_provider(GemmProvider wanted) {
  if (!can_multiply<Scalar, Space>(wanted)) refuse(wanted);
  if (wanted != GemmProvider::automatic) return wanted;
  for (auto const fast : {GemmProvider::onednn, GemmProvider::cublaslt, GemmProvider::rocblas})
    if (can_multiply<Scalar, Space>(fast)) return fast;
  return GemmProvider::kokkos_kernels;
}

template <class Scalar, class Space>
void gemm_full_precision(Context<Space> const& context, Transpose a_op, Transpose b_op,
                         Scalar alpha, MatrixView<Scalar const, Space> const& a,
                         MatrixView<Scalar const, Space> const& b, Scalar beta,
                         MatrixView<Scalar, Space> const& c) {
  auto const provider = chosen_provider<Scalar, Space>(context.options().gemm);
  if constexpr (onednn::supports<Scalar, Space>)
    if (provider == GemmProvider::onednn)
      return onednn::gemm(context, a_op, b_op, alpha, a, b, beta, c);
  if constexpr (cublaslt::supports<Space>)
    if (provider == GemmProvider::cublaslt)
      return cublaslt::gemm<Scalar, Space>(context, a_op, b_op, alpha, a, b, beta, c);
  if constexpr (rocblas::supports<Space>)
    if (provider == GemmProvider::rocblas)
      return rocblas::gemm<Scalar, Space>(context, a_op, b_op, alpha, a, b, beta, c);
  kokkos_kernels::gemm<Scalar, Space>(context, a_op, b_op, alpha, a, b, beta, c);
}

template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op,
          std::type_identity_t<Scalar> alpha,
          std::type_identity_t<MatrixView<Scalar const, Space>> const& a,
          std::type_identity_t<MatrixView<Scalar const, Space>> const& b,
          std::type_identity_t<Scalar> beta, MatrixView<Scalar, Space> const& c) {
  check_extents(a_op, b_op, a, b, c);
  if (c.size() == 0) return;
  if (a.size() == 0)  // an empty sum: C ← βC, which providers disagree on
    return beta == 0 ? fill(context, flat(c), 0) : scale(context, beta, flat(c));
  double const inner = static_cast<double>(a.extent(a_op == Transpose::yes ? 0 : 1));
  Region<Space> const region(context, "kyrtos::linalg::gemm",
                             {.flops = 2 * inner * static_cast<double>(c.size())});
  if constexpr (std::is_same_v<Scalar, float>)
    if (auto* const products = context.products())
      return products->multiply(a_op, b_op, alpha, a, b, beta, c);
  gemm_full_precision<Scalar, Space>(context, a_op, b_op, alpha, a, b, beta, c);
}

/// cuBLASLt does, in float32.
template <class Scalar, class Space>
bool adds_addends(Context<Space> const& context) {
  return std::is_same_v<Scalar, float> && cublaslt::supports<Space> &&
         chosen_provider<Scalar, Space>(context.options().gemm) == GemmProvider::cublaslt;
}

template <class Scalar, class Space>
void gemm_plus(Context<Space> const& context, Transpose a_op, Transpose b_op,
               std::type_identity_t<MatrixView<Scalar const, Space>> const& a,
               std::type_identity_t<MatrixView<Scalar const, Space>> const& b,
               std::type_identity_t<Addends<Scalar, Space>> const& plus,
               MatrixView<Scalar, Space> const& c) {
  check_extents(a_op, b_op, a, b, c);
  auto const& m = plus.matrix;
  require<ShapeError>(plus.bias.size() == 0 || plus.bias.size() == c.extent(1),
                      "gemm_plus: the bias needs one number a column");
  require<ShapeError>(m.size() == 0 || (m.extent(0) == c.extent(0) && m.extent(1) == c.extent(1) &&
                                        m.stride(0) == c.stride(0)),
                      "gemm_plus: the matrix that is added must be like C");
  require(a.size() > 0 && adds_addends<Scalar>(context), "gemm_plus: no library adds to products");
  double const inner = static_cast<double>(a.extent(a_op == Transpose::yes ? 0 : 1));
  Region<Space> const region(context, "kyrtos::linalg::gemm",
                             {.flops = 2 * inner * static_cast<double>(c.size())});
  if constexpr (std::is_same_v<Scalar, float> && cublaslt::supports<Space>) {
    if (auto* const products = context.products())
      return products->multiply(a_op, b_op, 1, a, b, 0, c, plus);
    cublaslt::gemm<Scalar, Space>(context, a_op, b_op, 1, a, b, m.size() > 0 ? 1 : 0, c, plus);
  }
}

std::vector<GemmProviderInfo> gemm_providers() {
  return {onednn::info(), cublaslt::info(), rocblas::info(), kokkos_kernels::info()};
}

#define KYRTOS_INSTANTIATE_GEMM_(SCALAR, SPACE)                                                    \
  template GemmProvider chosen_provider<SCALAR, SPACE>(GemmProvider);                              \
  template void gemm_full_precision<SCALAR, SPACE>(                                                \
      Context<SPACE> const&, Transpose, Transpose, SCALAR, MatrixView<SCALAR const, SPACE> const&, \
      MatrixView<SCALAR const, SPACE> const&, SCALAR, MatrixView<SCALAR, SPACE> const&);           \
  template void gemm<SCALAR, SPACE>(                                                               \
      Context<SPACE> const&, Transpose, Transpose, SCALAR, MatrixView<SCALAR const, SPACE> const&, \
      MatrixView<SCALAR const, SPACE> const&, SCALAR, MatrixView<SCALAR, SPACE> const&);           \
  template bool adds_addends<SCALAR, SPACE>(Context<SPACE> const&);                                \
  template void gemm_plus<SCALAR, SPACE>(                                                          \
      Context<SPACE> const&, Transpose, Transpose, MatrixView<SCALAR const, SPACE> const&,         \
      MatrixView<SCALAR const, SPACE> const&, Addends<SCALAR, SPACE> const&,                       \
      MatrixView<SCALAR, SPACE> const&);
#define KYRTOS_INSTANTIATE_GEMM(SPACE)   \
  KYRTOS_INSTANTIATE_GEMM_(float, SPACE) \
  KYRTOS_INSTANTIATE_GEMM_(double, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_GEMM)

}  // namespace kyrtos::linalg
