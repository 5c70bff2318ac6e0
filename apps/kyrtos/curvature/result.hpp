// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/eigenpair.hpp>
#include <kyrtos/curvature/spectral_density.hpp>
#include <kyrtos/curvature/trace.hpp>

#include "options.hpp"

#include <optional>
#include <string>
#include <vector>

namespace kyrtos::program {

/// Eigenvalues at both ends of a spectrum, the outermost first.
struct SpectrumEnds {
  std::vector<curvature::Eigenvalue> largest = {}, smallest = {};
  Index hvps = 0;
  bool converged = false;  ///< As many as asked for, with residuals within the tolerance.
  bool exhausted = false;  ///< The matrix has no more eigenvalues that a random vector leads to.
};

/// The extreme eigenvalues of a part of the model alone.
struct PartEnds {
  std::string name;
  Index parameters = 0;
  SpectrumEnds ends;
};

/// All that `kyrtos curvature` has found out, for people, for JSON and for HDF5.
struct CurvatureResult {
  std::string checkpoint, config;
  CurvatureOptions options;  ///< With all that comes from the checkpoint's configuration.
  std::optional<Index> step;
  Index parameters = 0;  ///< The matrix' dimension; of all parameters where they are restricted:
  Index model_parameters = 0;
  Index depth = 0, active_depth = 0;
  double loss = 0;  ///< The mean over the batches.

  SpectrumEnds ends;
  std::optional<SpectrumEnds> gauss_newton;  ///< Its largest, on the same batches.
  /// Of the step that led to the checkpoint, where the matrix has a threshold of stability.
  std::optional<double> learning_rate, threshold_ratio;
  std::vector<PartEnds> parts;
  std::vector<SpectrumEnds> batches;  ///< The largest eigenvalue of each batch alone.
  std::optional<curvature::TraceEstimate> trace;
  std::optional<curvature::SpectralDensity> spectrum;

  Index hvps = 0;  ///< Of everything; those with a single batch count like all others.
  double seconds = 0, seconds_per_hvp = 0;
  double model_bytes = 0, solver_bytes = 0;  ///< A rank.
  int ranks = 1;
};

/// How λmax of single batches spreads.
struct BatchSpread {
  double mean = 0, standard_deviation = 0, standard_error = 0, least = 0, most = 0;
};
BatchSpread spread_of(std::vector<SpectrumEnds> const& batches);

}  // namespace kyrtos::program
