// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/parameter_layout.hpp>
#include <kyrtos/curvature/linear_operator.hpp>

#include <cstdint>
#include <vector>

namespace kyrtos::curvature {

/// The largest eigenvalue (by magnitude) of each diagonal block A_pp of an operator, for parts p of
/// its vector that don't overlap: of the Hessian, the sharpness of the loss as a function of one
/// part of the model alone. By Cauchy's interlacing none exceeds that of A.
///
/// Warm-started power iteration on one part at a time: uₚ ← A_pp uₚ/|A_pp uₚ|, with the quotient
/// ⟨uₚ, A uₚ⟩ of the product that is made anyway. The vectors of all parts lie in one vector of A's
/// size, each in its own range. Two vectors more; update() costs one product of A.
template <class Scalar, class Space>
class PartSharpness {
 public:
  using Range = ParameterLayout::Range;

  /// \param partition of A's vectors. \param seed of random start vectors.
  PartSharpness(Context<Space> const& context, Partition const& partition, std::vector<Range> parts,
                std::uint64_t seed);

  std::size_t parts() const { return parts_.size(); }

  /// One product for part p. \return its quotient: of a symmetric A a lower bound of the part's
  /// largest eigenvalue that the updates approach; NaN where A is zero there, such as in a block
  /// that takes no part yet, or not finite. Collective. Waits for the instance.
  double update(Context<Space> const& context, LinearOperator<Scalar, Space>& a, std::size_t p);

  /// All parts' vectors, each of length one, to be saved and restored.
  VectorView<Scalar, Space> vectors() const { return vectors_; }

 private:
  void copy_part(Context<Space> const& context, std::size_t p, VectorView<Scalar, Space> from,
                 VectorView<Scalar, Space> to) const;

  Partition partition_;
  std::vector<Range> parts_;
  Vector<Scalar, Space> vectors_, u_, image_;  // u_ is zero outside of the part at hand
};

}  // namespace kyrtos::curvature
