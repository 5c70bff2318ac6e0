// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/detail/vector_set.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "problem.hpp"

namespace kyrtos::program {

/// What a solver in float32 (or with rounded factors) has found, computed again in float64: for a
/// vector u, the Rayleigh quotient λ = ⟨u, Au⟩/⟨u, u⟩ and ‖Au − λu‖/(|λ|‖u‖), with A's product in
/// float64. As A is symmetric, some eigenvalue of A lies within residual·|λ| of λ, whatever the
/// rounding was that led to u.
class Float64Residuals {
 public:
  using Operator = curvature::LinearOperator<double, Space>;

  /// The same matrix as `stored` has, whose parameters are read again.
  template <class Scalar>
  Float64Residuals(Context<Space> const& context, StoredModel<Scalar> const& stored,
                   CurvatureOptions const& options, Progress& progress)
      : context_(context.space(), context.communicator().get()),
        stored_(context_, io::CheckpointReader(context.communicator(), stored.file.path()),
                stored.config),
        problem_(context_, stored_, options, progress) {}

  CurvatureProblem<double>& problem() { return problem_; }

  template <class Scalar>
  curvature::Eigenvalue eigenvalue(Operator& matrix, VectorView<Scalar const, Space> vector) {
    if (u_.size() != vector.size()) {
      u_ = allocate<double>(context_, "residuals::u", matrix.size());
      image_ = allocate<double>(context_, "residuals::image", matrix.size());
    }
    linalg::copy(context_, vector, u_);
    matrix.apply(context_, u_, image_);
    auto const q = curvature::detail::rayleigh_quotient(
        context_, DistributedView<double, Space>(u_), DistributedView<double, Space>(image_));
    require<NumericalError>(std::isfinite(q.value) && std::isfinite(q.residual),
                            "the product with an eigenvector yields NaN or an infinity");
    return {q.value, curvature::detail::relative(q.residual, q.value)};
  }

 private:
  Context<Space> context_;
  StoredModel<double> stored_;
  CurvatureProblem<double> problem_;
  Vector<double, Space> u_, image_;
};

}  // namespace kyrtos::program
