// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/preconditioner.hpp>

#include <cstdint>

namespace kyrtos::train {

/// What is followed of the curvature, and how.
struct CurvatureOptions {
  /// `spectral`: no eigenvalue, but the largest ⟨D, HD⟩ over the balls of spectral norms that
  /// Muon's steps are in (curvature::SpectralSharpness).
  enum class Matrix {
    preconditioned,
    hessian,
    gauss_newton,
    spectral,
  } matrix = Matrix::preconditioned;
  using Preconditioner = curvature::AdamPreconditionerKind;
  Preconditioner preconditioner = Preconditioner::bias_corrected;
  enum class Method { tracker, cold, critical } method = Method::tracker;
  /// Measure on the step's own batch, on what its gradient keeps (model::KeptBatch), at the θ
  /// before the update: products cost 6 forward passes of it instead of 8.
  bool on_kept_batch = false;
  /// Every second product goes along the update instead (UpdateReport); with on_kept_batch.
  bool along_update = false;
  /// At each step one more product, for the sharpness of one part of the model alone, in turn.
  bool parts = false;
  Index every = 1;     ///< Steps between estimates.
  Index block = 1;     ///< Vectors that the tracker carries along, 1 to 4.
  Index min_hvps = 1;  ///< A step.
  Index max_hvps = 5;
  Index cold_hvps = 20;          ///< In the first step, and after a failure.
  double target_residual = 0.1;  ///< More products, within the budget, while above it.
  Index reference_every = 0;     ///< Steps between eigenvalues by converged Lanczos; 0: never.
  Index reference_hvps = 100;    ///< Most products of one.
  Index check_every = 0;    ///< Steps between checks on other sequences (CurvatureCheck); 0: never.
  Index check_batches = 4;  ///< Drawn for one, each as large as the probe; at least 2.
  std::uint64_t seed = 0;
};

/// What a product costs, in forward passes of its sequences (docs/performance.md): the loss that
/// critical sharpness evaluates is 1, a Gauss-Newton product 5, a Hessian-vector product 8, and 6
/// on what a gradient keeps.
inline double forward_passes_of_product(CurvatureOptions const& options, bool on_kept_batch) {
  if (options.method == CurvatureOptions::Method::critical) return 1;
  if (options.matrix == CurvatureOptions::Matrix::gauss_newton) return 5;
  return on_kept_batch ? 6 : 8;
}

}  // namespace kyrtos::train
