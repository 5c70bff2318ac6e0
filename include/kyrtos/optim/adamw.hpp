// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/part_sums.hpp>
#include <kyrtos/optim/detail/range_kernels.hpp>
#include <kyrtos/optim/optimizer.hpp>

namespace kyrtos::optim {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
  /// `gradient`: v₀ is the square of the first gradient. The bias correction stays as it is and
  /// then acts like a warm-up of η by √(1 − β2ᵗ) (Kalra and Barkeshli 2024, arXiv 2406.09405).
  enum class InitialSecondMoment {
    zero,
    gradient
  } initial_second_moment = InitialSecondMoment::zero;
  /// c > 0: step t forgets with β2(t) = 1 − t^(−c), as in Adafactor (Shazeer and Stern 2018, arXiv
  /// 1804.04235, c = 0.8), but never more slowly than with beta2 (Zhai et al. 2021, arXiv
  /// 2106.04560). β2(1) = 0, so that nothing is left to correct. 0: β2 is constant.
  double beta2_exponent = 0;
  /// The learning rate of a tensor is divided by RMS(g/√v̂) where that exceeds 1 (StableAdamW:
  /// Wortsman et al. 2023, arXiv 2304.13013).
  bool update_clipping = false;
  double decay_reference_rate = 0;  ///< WeightDecay::reference_rate

  /// β2 of the t-th step that v takes, t ≥ 1.
  double beta2_at(Index t) const;
  curvature::AdamPreconditionerOptions preconditioner() const {
    return {.beta1 = beta1, .beta2 = beta2, .epsilon = epsilon, .unbiased = beta2_exponent > 0};
  }
};

namespace detail {

/// In which ranges differ in a step of AdamW.
template <class Scalar>
struct AdamWNumbers {
  Scalar rate, shrink, beta2, second_correction;
  friend bool operator==(AdamWNumbers const&, AdamWNumbers const&) = default;
};

}  // namespace detail

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101):
///
///     m ← β1 m + (1 − β1) g,  v ← β2 v + (1 − β2) g²
///     θ ← θ − η( m/(1 − β1ᵗ) / (√(v/(1 − β2ᵗ)) + ε) + weight_decay·θ )
///
/// with decay on the ranges that ask for it. Two vectors of state; 7 accesses to memory a
/// parameter and step. Update clipping reads g and v once more, waits for the instance, and is
/// collective where vectors are split.
///
/// P of the preconditioned Hessian is that of the step before clipping. A clipped step is one with
/// D P in its place, D ≥ 1, and λmax(P⁻¹D⁻¹H) ≤ λmax(P⁻¹H) if that is positive: λη over its
/// threshold is exact where nothing was clipped and an upper bound elsewhere.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class AdamW : public Optimizer<Scalar, Space> {
 public:
  using Base = Optimizer<Scalar, Space>;
  using typename Base::ConstVector;
  using typename Base::Moved;
  using typename Base::MutableVector;
  using typename Base::State;

  /// \param tensors what update clipping works on; it needs some.
  /// \throws ConfigError for β outside [0, 1), or ε, the exponent or the decay negative.
  AdamW(Context<Space> const& context, Index size, std::vector<ParameterRange> ranges,
        AdamWOptions const& options = {}, Tensors const& tensors = {});
  /// Moves all of a layout.
  AdamW(Context<Space> const& context, ParameterLayout const& layout,
        AdamWOptions const& options = {})
      : AdamW(context, layout.size(), ranges_of(layout), options,
              tensors_of(layout, layout.size())) {}

  std::string name() const override { return "adamw"; }
  AdamWOptions const& options() const { return options_; }
  std::vector<State> state() const override { return {{"m", m_}, {"v", v_}}; }
  /// Of the Hessian itself: gradient descent's. The one of Adam belongs to the preconditioned
  /// Hessian (curvature::StabilityThreshold::adam()).
  curvature::StabilityThreshold threshold() const override {
    return curvature::StabilityThreshold::sgd();
  }
  std::optional<curvature::AdamPreconditionerOptions> preconditioner() const override {
    return options_.preconditioner();
  }
  std::vector<Moved> moved() const override;

  /// The divisors of the last step's learning rate, one a tensor; empty without update clipping.
  std::vector<double> const& divisors() const { return divisors_; }

 protected:
  /// What Adam moves.
  virtual std::vector<ParameterRange> adam_ranges() const { return this->ranges(); }
  void move(Context<Space> const& context, MutableVector theta, ConstVector gradient,
            double learning_rate, double gradient_scale) override;

  Vector<Scalar, Space> m_, v_;

 private:
  struct Piece;
  std::vector<Piece> pieces() const;
  void find_divisors(Context<Space> const& context, ConstVector gradient, double gradient_scale);
  detail::AdamWNumbers<Scalar> numbers(ParameterAge const& age, double rate, double shrink) const;

  AdamWOptions options_;
  Tensors tensors_;
  linalg::PartSums<Space> ratios_;
  detail::RangeKernels<detail::AdamWNumbers<Scalar>, Space> kernels_;
  std::vector<double> divisors_;
};

}  // namespace kyrtos::optim
