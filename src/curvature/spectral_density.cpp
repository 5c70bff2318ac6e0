// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/detail/small_eigen.hpp>
#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/spectral_density.hpp>

#include <algorithm>
#include <cmath>
#include <limits>

namespace kyrtos::curvature {

namespace {

template <class Tridiagonal>
Quadrature quadrature(Tridiagonal const& t) {
  auto const eigen =
      detail::tridiagonal_eigen(t.diagonal, t.off_diagonal, detail::EigenvectorRows::first);
  Quadrature q{eigen.values, {}};
  for (int j = 0; j < eigen.size(); ++j)
    q.weights.push_back(eigen.vector(0, j) * eigen.vector(0, j));
  return q;
}

/// Sets the grid to the nodes' range and four widths beyond.
void lay_grid(SpectralDensity& result, SpectralDensityOptions const& options) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (auto const& q : result.probes) {
    low = std::min(low, q.nodes.front());
    high = std::max(high, q.nodes.back());
  }
  double const scale = std::max(std::fabs(low), std::fabs(high));
  double const range = high - low > 1e-12 * scale ? high - low : std::max(scale, 1e-300);
  result.width = options.relative_width * range;
  low -= 4 * result.width;
  high += 4 * result.width;
  for (Index i = 0; i < options.grid_points; ++i)
    result.grid.push_back(low + (high - low) * static_cast<double>(i) /
                                    static_cast<double>(options.grid_points - 1));
}

double smoothed(Quadrature const& q, double x, double width) {
  constexpr double inverse_root_two_pi = 0.3989422804014327;
  double sum = 0;
  for (std::size_t j = 0; j < q.nodes.size(); ++j) {
    double const z = (x - q.nodes[j]) / width;
    sum += q.weights[j] * std::exp(-0.5 * z * z);
  }
  return sum * inverse_root_two_pi / width;
}

}  // namespace

SampleMean sample_mean(std::vector<double> const& samples) {
  auto const count = static_cast<double>(samples.size());
  double mean = 0, square = 0;
  for (double x : samples) mean += x / count;
  for (double x : samples) square += (x - mean) * (x - mean);
  return {mean, samples.size() > 1 ? std::sqrt(square / (count - 1) / count) : 0};
}

SampleMean SpectralDensity::moment(int power) const {
  std::vector<double> samples;
  for (auto const& q : probes) {
    double sum = 0;
    for (std::size_t j = 0; j < q.nodes.size(); ++j)
      sum += q.weights[j] * std::pow(q.nodes[j], power);
    samples.push_back(sum);
  }
  return sample_mean(samples);
}

template <class Scalar, class Space>
SpectralDensity spectral_density(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                                 SpectralDensityOptions const& options) {
  require<ConfigError>(options.probes >= 1 && options.steps >= 1 && options.grid_points >= 2 &&
                           options.relative_width > 0,
                       "spectral_density: needs at least one probe, one step, two grid points and "
                       "a positive width");
  Lanczos<Scalar, Space> lanczos(context, op.size(), options.steps);
  auto const partition = op.partition();
  auto const memory = allocate<Scalar>(context, "curvature::spectral_density::probe", op.size());
  DistributedView<Scalar, Space> const z(memory, partition);
  SpectralDensity result;
  for (Index p = 0; p < options.probes; ++p) {
    detail::fill_signs(
        context, z,
        detail::philox(options.seed, detail::Stream::probe, static_cast<std::uint64_t>(p)));
    auto const t = lanczos.tridiagonalize(op, options.steps, z.local());
    result.hvps += static_cast<Index>(t.diagonal.size());
    result.probes.push_back(quadrature(t));
  }
  lay_grid(result, options);
  for (double x : result.grid) {
    std::vector<double> samples;
    for (auto const& q : result.probes) samples.push_back(smoothed(q, x, result.width));
    auto const mean = sample_mean(samples);
    result.density.push_back(mean.value);
    result.standard_error.push_back(mean.standard_error);
  }
  return result;
}

#define KYRTOS_SPECTRAL_DENSITY(SCALAR, SPACE)              \
  template SpectralDensity spectral_density<SCALAR, SPACE>( \
      Context<SPACE> const&, LinearOperator<SCALAR, SPACE>&, SpectralDensityOptions const&);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_SPECTRAL_DENSITY)

}  // namespace kyrtos::curvature
