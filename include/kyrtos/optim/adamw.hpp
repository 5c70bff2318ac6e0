// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/optim/optimizer.hpp>

namespace kyrtos::optim {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.95;
  double epsilon = 1e-8;
  double weight_decay = 0.1;
};

/// Adam with decoupled weight decay (Loshchilov and Hutter 2019, arXiv 1711.05101):
///
///     m ← β1 m + (1 − β1) g,  v ← β2 v + (1 − β2) g²
///     θ ← θ − η( m/(1 − β1ᵗ) / (√(v/(1 − β2ᵗ)) + ε) + weight_decay·θ )
///
/// with decay on the ranges that ask for it. Two vectors of state; 7 accesses to memory a
/// parameter and step.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class AdamW : public Optimizer<Scalar, Space> {
 public:
  using Base = Optimizer<Scalar, Space>;
  using typename Base::ConstVector;
  using typename Base::MutableVector;
  using typename Base::State;

  /// \throws ConfigError for β outside [0, 1), or ε or the decay negative.
  AdamW(Context<Space> const& context, Index size, std::vector<ParameterRange> ranges,
        AdamWOptions const& options = {});
  /// Moves all of a layout.
  AdamW(Context<Space> const& context, ParameterLayout const& layout,
        AdamWOptions const& options = {})
      : AdamW(context, layout.size(), ranges_of(layout), options) {}

  std::string name() const override { return "adamw"; }
  AdamWOptions const& options() const { return options_; }
  std::vector<State> state() const override { return {{"m", m_}, {"v", v_}}; }
  /// Of the Hessian itself: gradient descent's. The one of Adam belongs to the preconditioned
  /// Hessian (curvature::StabilityThreshold::adam()).
  curvature::StabilityThreshold threshold() const override {
    return curvature::StabilityThreshold::sgd();
  }
  std::optional<curvature::AdamPreconditionerOptions> preconditioner() const override {
    return curvature::AdamPreconditionerOptions{
        .beta1 = options_.beta1, .beta2 = options_.beta2, .epsilon = options_.epsilon};
  }

 private:
  void update_range(Context<Space> const& context, ParameterRange range, MutableVector theta,
                    ConstVector gradient, double learning_rate, double gradient_scale) override;

  AdamWOptions options_;
  Vector<Scalar, Space> m_, v_;
};

}  // namespace kyrtos::optim
