// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>

#include <cmath>
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
  /// v forgot all before its first step, as with a β2 that grows from 0: it is not divided by
  /// 1 − β2ᵗ.
  bool unbiased = false;
};

/// A range of the parameters, and how many steps its moments have behind them.
struct AdamRange {
  Index offset = 0, size = 0;
  Index first_steps = 1, second_steps = 1;
};

/// One element of P, computed where it is used: scale·(√(v·moment_scale) + ε), or 1 without v.
template <class Scalar, class Space>
struct PreconditionerElement {
  VectorView<Scalar const, Space> v;
  Scalar scale, moment_scale, epsilon;

  KOKKOS_INLINE_FUNCTION Scalar operator()(Index i) const {
    return v.data() == nullptr ? Scalar(1) : scale * (math::sqrt(v(i) * moment_scale) + epsilon);
  }
};

/// The element function of P after that many steps of the two moments; v of the range alone.
template <class Scalar, class Space>
PreconditionerElement<Scalar, Space> preconditioner_element(
    AdamPreconditionerOptions const& options, VectorView<Scalar const, Space> v, Index first_steps,
    Index second_steps) {
  double scale = 1, moment_scale = 1;
  if (options.kind == AdamPreconditionerKind::bias_corrected) {
    scale = 1 - std::pow(options.beta1, static_cast<double>(first_steps));
    if (!options.unbiased)
      moment_scale = 1 / (1 - std::pow(options.beta2, static_cast<double>(second_steps)));
  }
  return {v, static_cast<Scalar>(scale), static_cast<Scalar>(moment_scale),
          static_cast<Scalar>(options.epsilon)};
}

/// Adam's P as a function of its second moment v. Holds no vector: v is read whenever an element of
/// P is needed, and must outlive its use.
template <class Scalar, class Space>
class AdamPreconditioner {
 public:
  using ConstVector = VectorView<Scalar const, Space>;

  /// P = I until the first update().
  /// \throws ConfigError for a β outside [0, 1) or an ε that is not positive.
  explicit AdamPreconditioner(Index size, AdamPreconditionerOptions const& options = {});

  /// From here on P belongs to the second moment after `step` ≥ 1 steps of Adam.
  void update(ConstVector second_moment, Index step);

  /// The same where ranges of the parameters began at different steps. What no range covers
  /// takes no part.
  void update(ConstVector second_moment, std::vector<AdamRange> ranges);

  /// use(offset, size, p): P's element offset + k is p(k), for k in [0, size).
  template <class Use>
  void for_each_range(Use const& use) const {
    for (auto const& s : ranges_) use(s.offset, s.size, element(s));
  }

  /// out ← P^(-1/2), and 1 for what no range covers. Asynchronous.
  void inverse_root(Context<Space> const& context, VectorView<Scalar, Space> out) const;

  Index size() const { return size_; }
  AdamPreconditionerOptions const& options() const { return options_; }

 private:
  PreconditionerElement<Scalar, Space> element(AdamRange const& range) const;

  Index size_;
  AdamPreconditionerOptions options_;
  ConstVector v_;
  std::vector<AdamRange> ranges_;
};

/// The λ above which an optimiser with step size η is unstable on a quadratic: factor / η.
struct StabilityThreshold {
  double factor = 2;

  /// Gradient descent, with heavy-ball momentum β: (2 + 2β)/η of the Hessian's λmax.
  static StabilityThreshold sgd(double momentum = 0) { return {2 + 2 * momentum}; }

  /// The same under the noise of small batches, (2 − 2β)/η: near it, and not near the one above,
  /// the sharpness along gradients of batches settles then ("Momentum further constrains sharpness
  /// at the edge of stochastic stability", arXiv 2604.14108).
  static StabilityThreshold sgd_in_small_batches(double momentum) { return {2 - 2 * momentum}; }

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
