// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/distributed_view.hpp>
#include <kyrtos/curvature/eigenpair.hpp>
#include <kyrtos/curvature/linear_operator.hpp>

#include <cstdint>
#include <vector>

namespace kyrtos::curvature {

struct LanczosOptions {
  Index largest = 1;        ///< How many of the largest eigenvalues, algebraically,
  Index smallest = 0;       ///< and how many of the smallest.
  double tolerance = 1e-6;  ///< On their residual estimates.
  Index max_hvps = 100;     ///< No more than the dimension the solver was made for.
  /// Replace the residual estimates by ‖Au − λu‖/|λ|, one more product for each pair.
  bool true_residuals = false;
  std::uint64_t seed = 0;
};

/// Lanczos's method with full reorthogonalisation: the reference that the tracker is held to.
///
/// Builds the orthonormal basis V of the Krylov space of a start vector and the tridiagonal
/// T = VᵀAV with diagonal α and off-diagonal β. For an eigenpair (θ, s) of T the Ritz pair is
/// (θ, Vs), with residual exactly β_m |s_m| (Parlett, The Symmetric Eigenvalue Problem, §13.2);
/// the estimate costs no product. Both ends of the spectrum converge first.
///
/// When β vanishes the Krylov space is invariant under A and its Ritz values are eigenvalues: the
/// method stops there. A start vector sees one vector of each eigenspace, so a multiple
/// eigenvalue appears once.
///
/// Memory: `dimension` + 2 vectors. Step m costs a product and 4m accesses to vectors.
template <class Scalar, class Space>
class Lanczos {
 public:
  Lanczos(Context<Space> const& context, Index size, Index dimension);

  struct Result {
    std::vector<Eigenvalue> largest;   ///< Descending.
    std::vector<Eigenvalue> smallest;  ///< Ascending.
    Index hvps = 0;
    bool converged = false;        ///< As many as asked for, all within the tolerance.
    bool invariant_space = false;  ///< The Krylov space is exhausted: there is no more to find.
  };

  /// Starts from `start` or, where it is empty, from a normal random vector of the seed.
  /// Waits for the instance several times a step. Collective when the operator is.
  /// \throws NumericalError when the operator yields NaN or an infinity, or the start is zero.
  Result solve(LinearOperator<Scalar, Space>& op, LanczosOptions const& options,
               VectorView<Scalar const, Space> start = {});

  /// out ← the eigenvector of the last result's largest[j] (or smallest[j]), of length one.
  void eigenvector(Spectrum end, Index j, VectorView<Scalar, Space> out) const;

  /// The tridiagonal matrix after `steps` steps, or fewer where the Krylov space ends before.
  struct Tridiagonal {
    std::vector<double> diagonal = {}, off_diagonal = {};
    double last_beta = 0;  ///< β_m, which would couple to the next basis vector.
    bool invariant_space = false;
  };
  Tridiagonal tridiagonalize(LinearOperator<Scalar, Space>& op, Index steps,
                             VectorView<Scalar const, Space> start);

 private:
  DistributedView<Scalar, Space> next() const { return {next_, partition_}; }
  void begin(LinearOperator<Scalar, Space>& op, Index steps, VectorView<Scalar const, Space> start,
             std::uint64_t seed);
  void step(LinearOperator<Scalar, Space>& op);
  Result collect(LanczosOptions const& options) const;
  void measure_residuals(LinearOperator<Scalar, Space>& op, LanczosOptions const& options,
                         Result& result);

  Context<Space> context_;
  Matrix<Scalar, Space> basis_;
  Vector<Scalar, Space> next_;
  Partition partition_;  // of the vectors of the last operator
  Tridiagonal t_;
};

}  // namespace kyrtos::curvature
