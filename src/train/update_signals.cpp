// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/curvature_probe.hpp>
#include <kyrtos/train/update_signals.hpp>

#include <cmath>

namespace kyrtos::train {

namespace {

/// (g²/v̂, w², (ηm/P)²) of one element; without a second moment, (0, w², (ηm)²).
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

std::vector<ParameterLayout::Range> tensors_of(ParameterLayout const& layout) {
  std::vector<ParameterLayout::Range> ranges;
  for (auto const& segment : layout.segments()) ranges.push_back({segment.offset, segment.size});
  return ranges;
}

}  // namespace

template <class Scalar, class Space>
UpdateSignals<Scalar, Space>::UpdateSignals(model::Objective<Scalar, Space> const& objective,
                                            Optimizer const& optimizer)
    : context_(objective.context()),
      parameters_(&objective.parameters()),
      optimizer_(&optimizer),
      sums_(objective.partition(), tensors_of(objective.model().layout())) {
  for (auto const& segment : objective.model().layout().segments()) names_.push_back(segment.name);
  if (auto const options = optimizer.preconditioner())
    preconditioner_.emplace(objective.partition().local_size(), *options);
}

template <class Scalar, class Space>
void UpdateSignals<Scalar, Space>::report(VectorView<Scalar const, Space> gradient,
                                          double gradient_scale, double learning_rate,
                                          bool by_tensor, StepReport& report) {
  VectorView<Scalar const, Space> m = gradient, v;  // SGD without momentum moves by the gradient
  for (auto const& [name, values] : optimizer_->state()) (name == "v" ? v : m) = values;
  if (preconditioner_)
    preconditioner_->update(v, adam_ranges(optimizer_->ranges(), optimizer_->steps()));
  std::vector<ParameterLayout::Range> moved;
  std::vector<SignalTerms<Scalar, Space>> terms;
  Index count = 0;
  auto const add = [&](Index offset, Index size,
                       curvature::PreconditionerElement<Scalar, Space> const& p) {
    moved.push_back({offset, size});
    terms.push_back(
        {gradient, parameters_->own().local(), m, p, offset, gradient_scale, learning_rate});
    count += size;
  };
  if (preconditioner_)
    preconditioner_->for_each_range(add);
  else
    for (auto const& range : optimizer_->ranges()) add(range.offset, range.size, {{}, 1, 1, 0});
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
  if (preconditioner_ && count > 0)
    report.rms_ratio = std::sqrt(total[0] / static_cast<double>(count));
  report.weight_norm = std::sqrt(total[1]);
  report.update_norm = std::sqrt(total[2]);
}

KYRTOS_INSTANTIATE(kyrtos::train::UpdateSignals)

}  // namespace kyrtos::train
