// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "gemm_providers.hpp"

#ifdef KYRTOS_HAVE_ONEDNN
#include <dnnl.h>
#endif

namespace kyrtos::linalg::onednn {

#ifdef KYRTOS_HAVE_ONEDNN

template <class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, float alpha,
          MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
          float beta, MatrixView<float, Space> const& c) {
  // oneDNN runs at once on the calling thread's OpenMP team: what precedes must be done.
  context.fence("kyrtos::linalg::gemm");
  auto const letter = [](Transpose op) { return op == Transpose::yes ? 'T' : 'N'; };
  auto const extent = [](auto const& m, int i) { return static_cast<dnnl_dim_t>(m.extent(i)); };
  compat::WorkOfHostLibrary const work(a, b, c);
  dnnl_dim_t const k = extent(a, a_op == Transpose::yes ? 0 : 1);
  auto const status =
      dnnl_sgemm(letter(a_op), letter(b_op), extent(c, 0), extent(c, 1), k, alpha, a.data(),
                 extent(a, 1), b.data(), extent(b, 1), beta, c.data(), extent(c, 1));
  if (status != dnnl_success)
    throw Error("gemm: oneDNN failed with status " + std::to_string(status));
}

GemmProviderInfo info() {
  dnnl_version_t const* v = dnnl_version();
  return {
      GemmProvider::onednn, "oneDNN",
      std::to_string(v->major) + "." + std::to_string(v->minor) + "." + std::to_string(v->patch),
      "float32 (host)", true};
}

#define KYRTOS_INSTANTIATE_ONEDNN(SPACE)                                                         \
  template void gemm<SPACE>(                                                                     \
      Context<SPACE> const&, Transpose, Transpose, float, MatrixView<float const, SPACE> const&, \
      MatrixView<float const, SPACE> const&, float, MatrixView<float, SPACE> const&);
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_ONEDNN)

#else

GemmProviderInfo info() {
  return {GemmProvider::onednn, "oneDNN", "", "float32 (host)", false};
}

#endif

}  // namespace kyrtos::linalg::onednn
