// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "gemm_providers.hpp"

#ifdef KYRTOS_HAVE_ONEDNN
#include <dnnl.h>
#endif

namespace kyrtos::linalg::onednn {

#ifdef KYRTOS_HAVE_ONEDNN

namespace {

template <class M>
dnnl_dim_t extent(M const& m, int i) {
  return static_cast<dnnl_dim_t>(m.extent(i));
}

/// Whether a plan multiplies faster than sgemm, which packs a transposed B by columns of B: in
/// memory their elements are k apart, and where k is a multiple of some power of two they share few
/// places of the caches. Such is a forward pass back from an MLP's width to the model's, k = 4n.
///
/// `laboratory_linear` on two cores of an EPYC with AVX-512, oneDNN 2.6.3, 2026-11-29, GFLOP/s of
/// sgemm and of plans there: n = 256: 155, 217; n = 384: 176, 216; n = 768: 172, 212; n = 1024:
/// 215, 216. With k = n plans gain up to a tenth or lose a few percent; with k < n they lose up to
/// 6 %.
bool is_for_a_plan(Transpose a_op, Transpose b_op, float alpha, dnnl_dim_t n, dnnl_dim_t k) {
  return a_op == Transpose::no && b_op == Transpose::yes && alpha == 1 && k >= 2 * n;
}

}  // namespace

template <class Space>
void gemm(Context<Space> const& context, Transpose a_op, Transpose b_op, float alpha,
          MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
          float beta, MatrixView<float, Space> const& c) {
  if constexpr (has_plans<Space>)
    if (is_for_a_plan(a_op, b_op, alpha, extent(c, 1), extent(a, 1)))
      return planned_gemm<Space>(context, a_op, b_op, a, b, beta, c);
  sgemm<Space>(context, a_op, b_op, alpha, a, b, beta, c);
}

template <class Space>
void sgemm(Context<Space> const& context, Transpose a_op, Transpose b_op, float alpha,
           MatrixView<float const, Space> const& a, MatrixView<float const, Space> const& b,
           float beta, MatrixView<float, Space> const& c) {
  // oneDNN runs at once on the calling thread's OpenMP team: what precedes must be done.
  context.fence("kyrtos::linalg::gemm");
  auto const letter = [](Transpose op) { return op == Transpose::yes ? 'T' : 'N'; };
  compat::WorkOfHostLibrary const work(a, b, c);
  dnnl_dim_t const k = extent(a, a_op == Transpose::yes ? 0 : 1);
  auto const stride = [](auto const& m) { return static_cast<dnnl_dim_t>(m.stride(0)); };
  auto const status =
      dnnl_sgemm(letter(a_op), letter(b_op), extent(c, 0), extent(c, 1), k, alpha, a.data(),
                 stride(a), b.data(), stride(b), beta, c.data(), stride(c));
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

#define KYRTOS_INSTANTIATE_ONEDNN_(FUNCTION, SPACE)                                              \
  template void FUNCTION<SPACE>(                                                                 \
      Context<SPACE> const&, Transpose, Transpose, float, MatrixView<float const, SPACE> const&, \
      MatrixView<float const, SPACE> const&, float, MatrixView<float, SPACE> const&);
#define KYRTOS_INSTANTIATE_ONEDNN(SPACE)  \
  KYRTOS_INSTANTIATE_ONEDNN_(gemm, SPACE) \
  KYRTOS_INSTANTIATE_ONEDNN_(sgemm, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_INSTANTIATE_ONEDNN)

#else

GemmProviderInfo info() {
  return {GemmProvider::onednn, "oneDNN", "", "float32 (host)", false};
}

#endif

}  // namespace kyrtos::linalg::onednn
