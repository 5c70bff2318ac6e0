// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/linalg/gemm.hpp>
#include <kyrtos/linalg/gemm_rate.hpp>

#include "core/seconds_since.hpp"

namespace kyrtos::linalg {

template <class Scalar, class Space>
double measure_gemm_rate(Context<Space> const& context, Index size, int repetitions) {
  auto const matrix = [&](char const* name) {
    return allocate<Scalar>(context, name, size * size);
  };
  auto const a = matrix("gemm_rate::a"), b = matrix("gemm_rate::b"), c = matrix("gemm_rate::c");
  auto const square = [&](auto const& v) { return as_matrix(v, 0, size, size); };
  double const flops = 2.0 * static_cast<double>(size) * static_cast<double>(size * size);
  double best = 0;
  for (int i = 0; i <= repetitions; ++i) {
    context.fence("kyrtos::linalg::measure_gemm_rate");
    auto const start = std::chrono::steady_clock::now();
    gemm<Scalar>(context, Transpose::no, Transpose::no, 1, square(a), square(b), 0, square(c));
    context.fence("kyrtos::linalg::measure_gemm_rate");
    if (i > 0) best = std::max(best, flops / seconds_since(start));
  }
  return best;
}

#define KYRTOS_GEMM_RATE(SPACE)                                                       \
  template double measure_gemm_rate<float, SPACE>(Context<SPACE> const&, Index, int); \
  template double measure_gemm_rate<double, SPACE>(Context<SPACE> const&, Index, int);
KYRTOS_FOR_EACH_SPACE(KYRTOS_GEMM_RATE)

}  // namespace kyrtos::linalg
