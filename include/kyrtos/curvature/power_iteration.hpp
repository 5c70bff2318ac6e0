// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/eigenpair.hpp>
#include <kyrtos/curvature/linear_operator.hpp>

#include <cstdint>
#include <optional>

namespace kyrtos::curvature {

struct PowerIterationOptions {
  Spectrum target = Spectrum::largest_magnitude;
  double tolerance = 1e-3;  ///< On the residual ‖Au − λu‖ / |λ|.
  Index max_hvps = 100;
  /// c of the iteration with A + cI, for the algebraic targets; chosen by itself where absent.
  std::optional<double> shift = {};
  std::uint64_t seed = 0;  ///< Of the start vector, where none is given.
};

/// Power iteration: u ← (A + cI)u, normalised.
///
/// Each iteration is one product w = Au, which serves the Rayleigh quotient λ = ⟨u, w⟩, its
/// residual ‖w − λu‖/|λ|, and the next iterate (w + cu)/‖w + cu‖. The error of u shrinks by
/// max |λi + c| / |λ1 + c| an iteration, that of λ by its square.
///
/// The largest eigenvalue *algebraically* needs a shift c > −(λmin + λmax)/2, or a negative
/// eigenvalue of greater magnitude wins. Where none is given it starts at half of the largest
/// ‖Au‖ seen and is doubled when the Rayleigh quotient falls, the sign that it is too small. The
/// smallest algebraically is the same for −A.
///
/// Two vectors of memory; 5 accesses to vectors an iteration beside the operator's.
template <class Scalar, class Space>
class PowerIteration {
 public:
  PowerIteration(Context<Space> const& context, Index size);

  struct Result : Eigenvalue {
    Index hvps = 0;
    bool converged = false;
  };

  /// Starts from `start` or, where it is empty, from a normal random vector of the seed.
  /// Waits for the instance once an iteration. Collective when the operator is.
  /// \throws NumericalError when the operator yields NaN or an infinity, or the start is zero.
  Result solve(LinearOperator<Scalar, Space>& op, PowerIterationOptions const& options,
               VectorView<Scalar const, Space> start = {});

  /// The eigenvector of the last solve(), of length one.
  VectorView<Scalar const, Space> eigenvector() const { return u_; }

 private:
  Context<Space> context_;
  Vector<Scalar, Space> u_, w_;
};

}  // namespace kyrtos::curvature
