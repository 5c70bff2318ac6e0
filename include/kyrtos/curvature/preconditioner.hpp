// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <vector>

/// \file
/// \brief Adam's diagonal preconditioner P, and the thresholds of stability.

namespace kyrtos::curvature {

/// Which P stands for Adam.
enum class AdamPreconditionerKind {
  /// P = (1 − β1ᵗ)·[diag(√(v/(1 − β2ᵗ))) + εI], so that Adam's step is exactly −η P⁻¹ m with the
  /// plain moving average m (Cohen et al., "Adaptive gradient methods at the edge of stability",
  /// arXiv 2207.14484).
  bias_corrected,
  /// P = diag(√v) + εI ("Taming curvature", arXiv 2606.16768). The same once β1ᵗ and β2ᵗ are gone.
  plain,
};

struct AdamPreconditionerOptions {
  AdamPreconditionerKind kind = AdamPreconditionerKind::bias_corrected;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double epsilon = 1e-8;
};

/// A stretch of the parameters, and how many steps its moments have behind them.
struct AdamStretch {
  Index offset = 0, size = 0;
  Index first_steps = 1, second_steps = 1;
};

/// P^(-1/2) as a vector, refreshed from Adam's second moment v after every step. Holds one vector.
template <class Scalar, class Space>
class AdamPreconditioner {
 public:
  /// P = I until the first update().
  /// \throws ConfigError for a β outside [0, 1) or an ε that is not positive.
  AdamPreconditioner(Context<Space> const& context, Index size,
                     AdamPreconditionerOptions const& options = {});

  /// P^(-1/2) of the second moment after `step` ≥ 1 steps of Adam.
  ///
  /// Each row x of `transported` becomes P_t^(1/2) P_{t−1}^(-1/2) x in the same sweep. For an
  /// eigenvector of P^(-1/2) H P^(-1/2) that keeps P^(-1/2) x, the direction in parameter space,
  /// which is what the operator's change leaves in place when only P changes. Lengths change with
  /// it: normalise. At the first update nothing is transported, because there was no P before.
  /// Asynchronous; 3 accesses to vectors and 2 for each row.
  void update(Context<Space> const& context, VectorView<Scalar const, Space> second_moment,
              Index step, MatrixView<Scalar, Space> transported = {});

  /// The same where stretches of the parameters began at different steps. What no stretch covers
  /// keeps its P.
  void update(Context<Space> const& context, VectorView<Scalar const, Space> second_moment,
              std::vector<AdamStretch> const& stretches,
              MatrixView<Scalar, Space> transported = {});

  VectorView<Scalar const, Space> inverse_root() const { return inverse_root_; }
  AdamPreconditionerOptions const& options() const { return options_; }

  /// For a restart: P^(-1/2) and whether it ever was updated are the whole state.
  void restore(Context<Space> const& context, VectorView<Scalar const, Space> inverse_root);
  bool is_set() const { return is_set_; }

 private:
  AdamPreconditionerOptions options_;
  Vector<Scalar, Space> inverse_root_;
  bool is_set_ = false;
};

/// The λ above which an optimiser with step size η is unstable on a quadratic: factor / η.
struct StabilityThreshold {
  double factor = 2;

  /// Gradient descent, with heavy-ball momentum β: (2 + 2β)/η of the Hessian's λmax.
  static StabilityThreshold sgd(double momentum = 0) { return {2 + 2 * momentum}; }

  /// Adam: (2 + 2β1)/((1 − β1)η) of the preconditioned Hessian's λmax, 38/η at β1 = 0.9 (Cohen et
  /// al. 2022).
  static StabilityThreshold adam(double beta1) { return {(2 + 2 * beta1) / (1 - beta1)}; }

  double at(double learning_rate) const { return factor / learning_rate; }

  /// λη/factor: 1 at the edge of stability. Also right at η = 0.
  double ratio(double lambda, double learning_rate) const {
    return lambda * learning_rate / factor;
  }
};

}  // namespace kyrtos::curvature
