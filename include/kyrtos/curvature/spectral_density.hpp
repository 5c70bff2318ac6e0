// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/linear_operator.hpp>

#include <cstdint>
#include <vector>

namespace kyrtos::curvature {

struct SpectralDensityOptions {
  Index probes = 10;
  Index steps = 80;  ///< Lanczos steps a probe: polynomials up to degree 2·steps − 1 are exact.
  Index grid_points = 1000;
  /// Width of the Gaussian that stands for each node, as a share of the spectrum's width.
  double relative_width = 0.01;
  std::uint64_t seed = 0;
};

/// An estimate from samples, and the standard deviation of its mean (0 with one sample).
struct SampleMean {
  double value = 0;
  double standard_error = 0;
};

/// The mean of samples, and √(their variance/their number).
SampleMean sample_mean(std::vector<double> const& samples);

/// Gauss quadrature of one probe's spectral measure: Σ weight·f(node) ≈ zᵀf(A)z, ‖z‖ = 1.
struct Quadrature {
  std::vector<double> nodes, weights;
};

/// The eigenvalue density φ(x) = (1/n) Σᵢ δ(x − λi) of an operator, smoothed.
struct SpectralDensity {
  std::vector<double> grid, density, standard_error;
  double width = 0;  ///< σ of the Gaussians, in units of the eigenvalues.
  std::vector<Quadrature> probes;
  Index hvps = 0;

  /// (1/n) tr Aᵖ with its standard error over the probes.
  SampleMean moment(int power) const;
};

/// Stochastic Lanczos quadrature (Ghorbani, Krishnan and Xiao, "An investigation into neural net
/// optimization via Hessian eigenvalue density", ICML 2019; Golub and Welsch 1969): for random
/// signs z/√n the nodes are the eigenvalues of Lanczos's T, the weights the squares of its
/// eigenvectors' first components.
///
/// probes·steps products. Memory: steps + 3 vectors. Waits for the instance. Collective when the
/// operator is. \throws NumericalError when the operator yields NaN or an infinity.
template <class Scalar, class Space>
SpectralDensity spectral_density(Context<Space> const& context, LinearOperator<Scalar, Space>& op,
                                 SpectralDensityOptions const& options = {});

}  // namespace kyrtos::curvature
