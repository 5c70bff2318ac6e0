// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/update_signals.hpp>

#include <cmath>

namespace kyrtos::train {

namespace {

/// (g²/v̂, w², (ηm/P)²) of element i, m the direction; without a second moment, (0, w², (ηm)²).
template <class Scalar>
struct SignalTerms {
  Scalar const *gradient, *theta, *m;
  Scalar const* v;  ///< May be null.
  Scalar scale, moment_scale, epsilon;
  double gradient_scale, rate;

  KOKKOS_INLINE_FUNCTION linalg::Terms<3> operator()(Index i) const {
    double const w = theta[i], g = gradient_scale * gradient[i];
    double update = rate * m[i], ratio = 0;
    if (v != nullptr) {
      update /= static_cast<double>(scale * (math::sqrt(v[i] * moment_scale) + epsilon));
      double const v_hat = static_cast<double>(v[i]) * moment_scale;
      double const least = static_cast<double>(epsilon) * epsilon;
      ratio = g * g / (v_hat > least ? v_hat : least);
    }
    return {{ratio, w * w, update * update}};
  }
  friend bool operator==(SignalTerms const&, SignalTerms const&) = default;
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
  std::vector<SignalTerms<Scalar>> terms;
  Index count = 0;  // of what Adam moves
  for (auto const& one : optimizer_->moved()) {
    moved.push_back({one.offset, one.size});
    bool const has_direction = one.direction.data() != nullptr,
               has_moment = one.p.v.data() != nullptr;
    terms.push_back({gradient.data(), parameters_->own().local().data(),
                     has_direction ? one.direction.data() : gradient.data(),
                     has_moment ? one.p.v.data() - one.offset : nullptr, one.p.scale,
                     one.p.moment_scale, one.p.epsilon, gradient_scale, learning_rate * one.share});
    if (has_moment) count += one.size;
  }
  auto const sums = sums_.template sum<3>(context_, "kyrtos::update_signals", moved, terms);
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
