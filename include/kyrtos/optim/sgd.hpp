// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/optim/detail/range_kernels.hpp>
#include <kyrtos/optim/optimizer.hpp>

namespace kyrtos::optim {

struct SgdOptions {
  double momentum = 0;
  double weight_decay = 0;
  double decay_reference_rate = 0;  ///< WeightDecay::reference_rate
};

namespace detail {

/// In which ranges differ in a step of gradient descent.
template <class Scalar>
struct SgdNumbers {
  Scalar rate, shrink;
  friend bool operator==(SgdNumbers const&, SgdNumbers const&) = default;
};

}  // namespace detail

/// Gradient descent with heavy-ball momentum (Polyak 1964) and decoupled weight decay:
///
///     m ← momentum·m + g,  θ ← θ − η(m + weight_decay·θ)
///
/// One vector of state, with or without momentum, so that a run may switch it on later.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class Sgd : public Optimizer<Scalar, Space> {
 public:
  using Base = Optimizer<Scalar, Space>;
  using typename Base::ConstVector;
  using typename Base::Moved;
  using typename Base::MutableVector;
  using typename Base::State;

  /// \throws ConfigError for a momentum outside [0, 1) or a negative decay.
  Sgd(Context<Space> const& context, Index size, std::vector<ParameterRange> ranges,
      SgdOptions const& options = {});

  std::string name() const override { return "sgd"; }
  SgdOptions const& options() const { return options_; }
  std::vector<State> state() const override { return {{"m", m_}}; }
  curvature::StabilityThreshold threshold() const override {
    return curvature::StabilityThreshold::sgd(options_.momentum);
  }
  std::optional<curvature::StabilityThreshold> small_batch_threshold() const override {
    if (options_.momentum == 0) return std::nullopt;
    return curvature::StabilityThreshold::sgd_in_small_batches(options_.momentum);
  }
  std::vector<Moved> moved() const override {
    auto all = Base::moved();
    for (auto& one : all) one.direction = m_;
    return all;
  }

 private:
  void move(Context<Space> const& context, MutableVector theta, ConstVector gradient,
            double learning_rate, double gradient_scale) override;

  SgdOptions options_;
  Vector<Scalar, Space> m_;
  detail::RangeKernels<detail::SgdNumbers<Scalar>, Space> kernels_;
};

}  // namespace kyrtos::optim
