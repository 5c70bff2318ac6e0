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
template <class Scalar, class Space>
double quadratic_form(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                      DistributedView<Scalar, Space> const& z, VectorView<Scalar, Space> w) {
  op.apply(context, z.local(), w);
  double const form = linalg::dot(context, z, w);
  require<NumericalError>(std::isfinite(form), "trace: the operator yields NaN or an infinity");
  return form;
}

}  // namespace

template <class Scalar, class Space>
TraceEstimate hutchinson_trace(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                               Index hvps, std::uint64_t seed) {
  require<ConfigError>(hvps >= 2, "hutchinson_trace: a standard error needs at least 2 products");
  auto const partition = op.partition();
  auto const memory = allocate<Scalar>(context, "curvature::trace::probe", op.size());
  auto const w = allocate<Scalar>(context, "curvature::trace::image", op.size());
  DistributedView<Scalar, Space> const z(memory, partition);
  std::vector<double> samples;
  for (Index p = 0; p < hvps; ++p) {
    detail::fill_signs(context, z,
                       detail::philox(seed, detail::Stream::probe, static_cast<std::uint64_t>(p)));
    samples.push_back(quadratic_form<Scalar, Space>(context, op, z, w));
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
  auto const q = allocate_rows<Scalar>(context, "curvature::trace::basis", rank, op.size());
  auto const partition = op.partition();
  auto const memory = allocate<Scalar>(context, "curvature::trace::probe", op.size());
  auto const w = allocate<Scalar>(context, "curvature::trace::image", op.size());
  DistributedView<Scalar, Space> const z(memory, partition);
  std::uint64_t probe = 0;
  auto const draw = [&] {
    detail::fill_signs(context, z, detail::philox(seed, detail::Stream::probe, probe++));
  };
  for (Index j = 0; j < rank; ++j) {
    draw();
    op.apply(context, z.local(), detail::row(q, j));
  }
  detail::orthonormalize_rows(context, q, partition, seed);
  double exact = 0;
  for (Index j = 0; j < rank; ++j)
    exact += quadratic_form<Scalar, Space>(context, op, {detail::row(q, j), partition}, w);
  std::vector<double> samples;
  for (Index p = 2 * rank; p < hvps; ++p) {
    draw();
    detail::orthogonalize(context, q, rank, z);
    samples.push_back(quadratic_form<Scalar, Space>(context, op, z, w));
  }
  auto const mean = sample_mean(samples);
  return {exact + mean.value, mean.standard_error, hvps};
}

#define KYRTOS_TRACE(SCALAR, SPACE)                                                 \
  template TraceEstimate hutchinson_trace<SCALAR, SPACE>(                           \
      Context<SPACE> const&, LinearOperator<SCALAR, SPACE>&, Index, std::uint64_t); \
  template TraceEstimate hutch_plus_plus<SCALAR, SPACE>(                            \
      Context<SPACE> const&, LinearOperator<SCALAR, SPACE>&, Index, std::uint64_t);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_TRACE)

}  // namespace kyrtos::curvature
