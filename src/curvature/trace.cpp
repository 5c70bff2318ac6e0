// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/detail/rayleigh_ritz.hpp>
#include <kyrtos/curvature/spectral_density.hpp>
#include <kyrtos/curvature/trace.hpp>

#include <cmath>

namespace kyrtos::curvature {

namespace {

/// ⟨z, Az⟩; w ← Az.
template <class Scalar, class Space, class Z, class W>
double quadratic_form(Context<Space> const& context, LinearOperator<Scalar, Space>& op, Z const& z,
                      W const& w) {
  op.apply(context, z, w);
  double const form = linalg::dot(context, z, w);
  require<NumericalError>(std::isfinite(form), "trace: the operator yields NaN or an infinity");
  return form;
}

}  // namespace

template <class Scalar, class Space>
TraceEstimate hutchinson_trace(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                               Index hvps, std::uint64_t seed) {
  require<ConfigError>(hvps >= 2, "hutchinson_trace: a standard error needs at least 2 products");
  auto const z = allocate<Scalar>(context, "curvature::trace::probe", op.size());
  auto const w = allocate<Scalar>(context, "curvature::trace::image", op.size());
  std::vector<double> samples;
  for (Index p = 0; p < hvps; ++p) {
    detail::fill_signs(context, z,
                       detail::philox(seed, detail::Stream::probe, static_cast<std::uint64_t>(p)));
    samples.push_back(quadratic_form(context, op, z, w));
  }
  auto const mean = sample_mean(samples);
  return {mean.value, mean.standard_error, hvps};
}

template <class Scalar, class Space>
TraceEstimate hutch_plus_plus(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                              Index hvps, std::uint64_t seed) {
  require<ConfigError>(hvps >= 6, "hutch_plus_plus: a standard error needs at least 6 products");
  // At most half of the dimensions, so that random rows can always complete the basis.
  Index const rank = std::min(hvps / 3, std::max<Index>(op.size() / 2, 1));
  auto const q = detail::allocate_rows<Scalar>(context, "curvature::trace::basis", rank, op.size());
  auto const z = allocate<Scalar>(context, "curvature::trace::probe", op.size());
  auto const w = allocate<Scalar>(context, "curvature::trace::image", op.size());
  std::uint64_t probe = 0;
  auto const draw = [&] {
    detail::fill_signs(context, z, detail::philox(seed, detail::Stream::probe, probe++));
  };
  for (Index j = 0; j < rank; ++j) {
    draw();
    op.apply(context, z, detail::row(q, j));
  }
  detail::orthonormalize_rows(context, q, seed);
  double exact = 0;
  for (Index j = 0; j < rank; ++j) exact += quadratic_form(context, op, detail::row(q, j), w);
  std::vector<double> samples;
  for (Index p = 2 * rank; p < hvps; ++p) {
    draw();
    detail::orthogonalize(context, q, rank, z);
    samples.push_back(quadratic_form(context, op, z, w));
  }
  auto const mean = sample_mean(samples);
  return {exact + mean.value, mean.standard_error, hvps};
}

#define KYRTOS_TRACE_FOR(SCALAR, SPACE)                                             \
  template TraceEstimate hutchinson_trace<SCALAR, SPACE>(                           \
      Context<SPACE> const&, LinearOperator<SCALAR, SPACE>&, Index, std::uint64_t); \
  template TraceEstimate hutch_plus_plus<SCALAR, SPACE>(                            \
      Context<SPACE> const&, LinearOperator<SCALAR, SPACE>&, Index, std::uint64_t);
#define KYRTOS_TRACE(SPACE)      \
  KYRTOS_TRACE_FOR(float, SPACE) \
  KYRTOS_TRACE_FOR(double, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_TRACE)

}  // namespace kyrtos::curvature
