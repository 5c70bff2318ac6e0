// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "gemm_providers.hpp"

#include <KokkosBlas3_gemm.hpp>

namespace kyrtos::linalg::kokkos_kernels {

template <class Scalar, class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, Scalar alpha,
          MatrixView<Scalar const, Space> const& a, MatrixView<Scalar const, Space> const& b,
          Scalar beta, MatrixView<Scalar, Space> const& c) {
  char const* const a_letter = a_op == Transpose::yes ? "T" : "N";
  char const* const b_letter = b_op == Transpose::yes ? "T" : "N";
  auto const& space = context.space();
  if constexpr (requires { KokkosBlas::gemm(space, a_letter, b_letter, alpha, a, b, beta, c); }) {
    KokkosBlas::gemm(space, a_letter, b_letter, alpha, a, b, beta, c);
  } else {
    // Kokkos Kernels before 3.6 has no overload on an instance; there Kyrtos runs on CPUs only.
    context.fence("kyrtos::linalg::gemm");
    KokkosBlas::gemm(a_letter, b_letter, alpha, a, b, beta, c);
  }
}

GemmProviderInfo info() {
  return {GemmProvider::kokkos_kernels, "Kokkos Kernels", KYRTOS_KOKKOS_KERNELS_VERSION,
          "float32 float64", true};
}

#define KYRTOS_INSTANTIATE_KK_(SCALAR, SPACE)                                                      \
  template void gemm<SCALAR, SPACE>(                                                               \
      Context<SPACE> const&, Transpose, Transpose, SCALAR, MatrixView<SCALAR const, SPACE> const&, \
      MatrixView<SCALAR const, SPACE> const&, SCALAR, MatrixView<SCALAR, SPACE> const&);
#define KYRTOS_INSTANTIATE_KK(SPACE)   \
  KYRTOS_INSTANTIATE_KK_(float, SPACE) \
  KYRTOS_INSTANTIATE_KK_(double, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_KK)

}  // namespace kyrtos::linalg::kokkos_kernels
