// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/types.hpp>

#include <vector>

namespace kyrtos::curvature {

/// Which eigenvalues are looked for.
enum class Spectrum { largest_magnitude, largest_algebraic, smallest_algebraic };

/// One estimate of an eigenvalue. Some eigenvalue of the operator lies within residual·|value| of
/// `value` (for a symmetric operator; Parlett, The Symmetric Eigenvalue Problem, thm 4.5.1), a
/// certificate that needs no trust in the method, though it does not say *which* eigenvalue.
struct Eigenvalue {
  double value = 0;     ///< λ
  double residual = 0;  ///< ‖Au − λu‖ / (|λ|‖u‖)
};

/// What a solver that looks for several eigenvalues returns.
struct Eigenvalues {
  std::vector<Eigenvalue> pairs;  ///< The most wanted first; may be fewer than asked for.
  Index hvps = 0;                 ///< Products with the operator, the cost that counts.
  bool converged = false;         ///< All residuals are at most the tolerance.
};

}  // namespace kyrtos::curvature
