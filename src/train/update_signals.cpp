// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/update_signals.hpp>

#include <cmath>

namespace kyrtos::train {

namespace {

/// (g²/v̂, w², (ηm/P)²) of element i, m the direction; without a second moment, (0, w², (ηm)²).
/// In Scalar but for the sums, so that the loop over elements is limited by memory.
template <class Scalar>
struct SignalTerms {
  Scalar const *gradient, *theta, *m;
  Scalar const* v;  ///< Of any values where there is none, but readable.
  bool has_moment;
  Scalar scale, moment_scale, epsilon, gradient_scale, rate;

  KOKKOS_INLINE_FUNCTION linalg::Terms<3> operator()(Index i) const {
    Scalar const g = gradient_scale * gradient[i], step = rate * m[i];
    Scalar const v_hat = v[i] * moment_scale, least = epsilon * epsilon;
    Scalar const ratio = g * g / (v_hat > least ? v_hat : least);
    Scalar const update = step / (scale * (math::sqrt(v_hat) + epsilon));
    double const w = theta[i], u = has_moment ? update : step;
    return {{has_moment ? static_cast<double>(ratio) : 0, w * w, u * u}};
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
                     has_moment ? one.p.v.data() - one.offset : gradient.data(), has_moment,
                     one.p.scale, one.p.moment_scale, one.p.epsilon,
                     static_cast<Scalar>(gradient_scale),
                     static_cast<Scalar>(learning_rate * one.share)});
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
