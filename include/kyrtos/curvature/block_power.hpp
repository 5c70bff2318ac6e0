// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/eigenpair.hpp>
#include <kyrtos/curvature/linear_operator.hpp>

#include <cstdint>

namespace kyrtos::curvature {

struct BlockPowerOptions {
  Spectrum target = Spectrum::largest_magnitude;
  double tolerance = 1e-3;  ///< On the residuals of all pairs.
  Index max_hvps = 200;     ///< The last iteration ends at or before it.
  std::uint64_t seed = 0;
};

/// Subspace iteration with Rayleigh-Ritz (Parlett, The Symmetric Eigenvalue Problem, ch. 14):
/// W = AU for k orthonormal vectors, the eigenpairs of UᵀW rotate both, U ← orth(W + cU).
///
/// Where the leading eigenvalues are close, equal, or ±λ, a single vector wanders between their
/// eigenvectors; a block of k holds them all, and the j-th converges as |λ(k+1)/λj| (with the
/// shift c of PowerIteration, applied alike).
///
/// 2k vectors of memory. An iteration costs k products and about 2k² + 10k accesses to vectors.
template <class Scalar, class Space>
class BlockPower {
 public:
  /// For `block` vectors, 1 to 8.
  BlockPower(Context<Space> const& context, Index size, int block);

  /// Starts from the rows of `start`, or where it is empty from random vectors of the seed.
  /// Waits for the instance several times an iteration. Collective when the operator is.
  /// \throws NumericalError when the operator yields NaN or an infinity.
  Eigenvalues solve(LinearOperator<Scalar, Space>& op, BlockPowerOptions const& options,
                    MatrixView<Scalar const, Space> start = {});

  /// Orthonormal rows, in the order of the eigenvalues.
  MatrixView<Scalar const, Space> eigenvectors() const { return u_; }

 private:
  void apply_and_rotate(LinearOperator<Scalar, Space>& op, Spectrum target);

  Context<Space> context_;
  Matrix<Scalar, Space> u_, w_;
};

}  // namespace kyrtos::curvature
