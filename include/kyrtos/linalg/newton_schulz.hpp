// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <span>
#include <string>
#include <vector>

namespace kyrtos::linalg {

/// p(σ) = aσ + bσ³ + cσ⁵, which a Newton–Schulz step does to all singular values.
struct OddQuintic {
  double a, b, c;
};

/// Muon's iteration (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural
/// networks"): small singular values grow by 3.4 a step, and end near 1, in about [0.7, 1.2].
inline std::vector<OddQuintic> muon_steps(int count = 5) {
  return std::vector<OddQuintic>(static_cast<std::size_t>(count), {3.4445, -4.7750, 2.0315});
}

/// The orthogonal factor to rounding, for singular values from 1e-6 of the norm on: Muon's steps,
/// then the Newton–Schulz steps of order 3, for which 1 − σ ↦ (5/2)(1 − σ)³ + … .
std::vector<OddQuintic> polar_steps();

/// Orthogonalises matrices by products alone: X = U Σ Vᵀ becomes U p(Σ/‖X‖) Vᵀ, with p the
/// polynomials one after the other and ‖X‖ the Frobenius norm. Zero stays zero.
///
/// For the shorter side s and the longer side l, a step is 2s²(2l + s) floating-point operations.
/// Memory: one matrix, and two of s × s.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class NewtonSchulz {
 public:
  /// For matrices of at most `elements` with the shorter side at most `side`.
  NewtonSchulz(Context<Space> const& context, std::string const& name, Index elements, Index side);

  /// x ← its factor. Waits for the instance once.
  void apply(Context<Space> const& context, MatrixView<Scalar, Space> x,
             std::span<OddQuintic const> steps) const;

 private:
  void step(Context<Space> const& context, MatrixView<Scalar, Space> x, OddQuintic const& p) const;

  Index side_ = 0;
  Vector<Scalar, Space> memory_;
};

}  // namespace kyrtos::linalg
