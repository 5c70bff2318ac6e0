// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/part_sums.hpp>
#include <kyrtos/model/objective.hpp>
#include <kyrtos/optim/optimizer.hpp>
#include <kyrtos/train/step_report.hpp>

namespace kyrtos::train {

/// What an optimiser's update tells without any product: norms of weights and updates by tensor,
/// and how far Adam's second moment lags behind the gradient. Reads θ, the gradient and
/// the optimiser's vectors.
template <class Scalar, class Space>
class UpdateSignals {
 public:
  using Optimizer = optim::Optimizer<Scalar, Space>;

  UpdateSignals(model::Objective<Scalar, Space> const& objective, Optimizer const& optimizer);

  /// Just after the update, with the gradient that it took, to be multiplied by `gradient_scale`.
  /// Collective. \param by_tensor whether the report shall have each tensor's norms.
  void report(VectorView<Scalar const, Space> gradient, double gradient_scale, double learning_rate,
              bool by_tensor, StepReport& report);

 private:
  Context<Space> context_;
  model::Parameters<Scalar, Space> const* parameters_;
  Optimizer const* optimizer_;
  linalg::PartSums<Space> sums_;
  std::vector<std::string> names_;  // of the tensors
};

}  // namespace kyrtos::train
