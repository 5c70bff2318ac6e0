// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/update_signals.hpp>

#include <cmath>

namespace kyrtos::train {

namespace {

/// (g²/v̂, w², (ηm/P)²) of one element, m the direction; without a second moment, (0, w², (ηm)²).
template <class Scalar, class Space>
struct SignalTerms {
  VectorView<Scalar const, Space> gradient, theta, m;
  curvature::PreconditionerElement<Scalar, Space> p;
  Index first;  // of the elements that p belongs to
  double gradient_scale, rate;

  KOKKOS_INLINE_FUNCTION linalg::Terms<3> operator()(Index i) const {
    double const w = theta(i), g = gradient_scale * gradient(i);
    double const update = rate * m(i) / static_cast<double>(p(i - first));
    double ratio = 0;
    if (p.v.data() != nullptr) {
      double const v = static_cast<double>(p.v(i - first)) * p.moment_scale;
      double const least = static_cast<double>(p.epsilon) * p.epsilon;
      ratio = g * g / (v > least ? v : least);
    }
    return {{ratio, w * w, update * update}};
  }
};

}  // namespace

template <class Scalar, class Space>
UpdateSignals<Scalar, Space>::UpdateSignals(model::Objective<Scalar, Space> const& objective,
                                            Optimizer const& optimizer)
    : context_(objective.context()),
      parameters_(&objective.parameters()),
      optimizer_(&optimizer),
      sums_(objective.partition(),
            optim::tensors_of(objective.model().layout(), objective.partition()).ranges) {
  for (auto const& segment : objective.model().layout().segments()) names_.push_back(segment.name);
}

template <class Scalar, class Space>
void UpdateSignals<Scalar, Space>::report(VectorView<Scalar const, Space> gradient,
                                          double gradient_scale, double learning_rate,
                                          bool by_tensor, StepReport& report) {
  std::vector<ParameterLayout::Range> moved;
  std::vector<SignalTerms<Scalar, Space>> terms;
  Index count = 0;  // of what Adam moves
  for (auto const& one : optimizer_->moved()) {
    moved.push_back({one.offset, one.size});
    bool const has_direction = one.direction.data() != nullptr;
    terms.push_back({gradient, parameters_->own().local(), has_direction ? one.direction : gradient,
                     one.p, one.offset, gradient_scale, learning_rate * one.share});
    if (one.p.v.data() != nullptr) count += one.size;
  }
  auto const sums = sums_.template sum<3>(context_, "kyrtos::update_signals", moved,
                                          [&](std::size_t j) { return terms[j]; });
  double total[3] = {};
  for (std::size_t t = 0; t < sums.size(); ++t) {
    for (std::size_t k = 0; k < 3; ++k) total[k] += sums[t][k];
    if (!by_tensor) continue;
    report.weight_norms.emplace_back(names_[t], std::sqrt(sums[t][1]));
    report.update_norms.emplace_back(names_[t], std::sqrt(sums[t][2]));
  }
  if (parameters_->partition().is_split())
    count = static_cast<Index>(context_.communicator().sum(static_cast<double>(count)));
  if (count > 0) report.rms_ratio = std::sqrt(total[0] / static_cast<double>(count));
  report.weight_norm = std::sqrt(total[1]);
  report.update_norm = std::sqrt(total[2]);
}

KYRTOS_INSTANTIATE(kyrtos::train::UpdateSignals)

}  // namespace kyrtos::train
