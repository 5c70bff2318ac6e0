// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/optim/adamw.hpp>

#include <algorithm>
#include <cmath>

namespace kyrtos::optim {

namespace detail {

/// One step of element i.
template <class Scalar>
struct AdamWStep {
  Scalar const* gradient;
  Scalar *m, *v, *theta;
  Scalar beta1, epsilon, scale;
  AdamWNumbers<Scalar> of_range;

  KOKKOS_INLINE_FUNCTION void operator()(Index i) const {
    auto const& [rate, shrink, beta2, second_correction] = of_range;
    Scalar const g = scale * gradient[i];
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g * g;
    theta[i] = shrink * theta[i] - rate * m[i] / (math::sqrt(v[i] * second_correction) + epsilon);
  }
};

/// (g²/v̂, 1) of one element, v̂ after the step that is about to take g, no less than ε².
template <class Scalar>
struct RatioTerms {
  Scalar const *gradient, *v;
  double beta2, moment_scale, gradient_scale, least;

  KOKKOS_INLINE_FUNCTION linalg::Terms<2> operator()(Index i) const {
    double const g = gradient_scale * gradient[i];
    double const v_hat = moment_scale * (beta2 * v[i] + (1 - beta2) * g * g);
    return {{g * g / (v_hat > least ? v_hat : least), 1}};
  }
  friend bool operator==(RatioTerms const&, RatioTerms const&) = default;
};

}  // namespace detail

double AdamWOptions::beta2_at(Index t) const {
  bool const forgets = initial_second_moment == InitialSecondMoment::gradient || beta2_exponent > 0;
  if (t <= 1 && forgets) return 0;
  if (beta2_exponent == 0) return beta2;
  return std::min(beta2, 1 - std::pow(static_cast<double>(t), -beta2_exponent));
}

template <class Scalar, class Space>
AdamW<Scalar, Space>::AdamW(Context<Space> const& context, Index size,
                            std::vector<ParameterRange> ranges, AdamWOptions const& options,
                            Tensors const& tensors)
    : Base(std::move(ranges)),
      m_(allocate<Scalar>(context, "optimizer::m", size)),
      v_(allocate<Scalar>(context, "optimizer::v", size)),
      options_(options),
      tensors_(tensors),
      ratios_(tensors.partition, tensors.ranges) {
  auto const is_rate = [](double beta) { return beta >= 0 && beta < 1; };
  require<ConfigError>(is_rate(options.beta1) && is_rate(options.beta2),
                       "optimizer.beta1 and beta2 must be in [0, 1)");
  require<ConfigError>(options.epsilon > 0, "optimizer.epsilon must be positive");
  require<ConfigError>(options.weight_decay >= 0, "optimizer.weight_decay must not be negative");
  require<ConfigError>(options.beta2_exponent >= 0,
                       "optimizer.beta2_exponent must not be negative");
  require<ConfigError>(!options.update_clipping || !tensors.ranges.empty(),
                       "optimizer.update_clipping: AdamW must be given the tensors");
}

/// A range that moves at one rate.
template <class Scalar, class Space>
struct AdamW<Scalar, Space>::Piece {
  ParameterRange range;
  double divisor = 1;
};

/// With update clipping, the ranges cut into tensors.
template <class Scalar, class Space>
auto AdamW<Scalar, Space>::pieces() const -> std::vector<Piece> {
  std::vector<Piece> pieces;
  for (auto const& range : adam_ranges()) {
    if (divisors_.empty()) pieces.push_back({range});
    for (std::size_t t = 0; t < divisors_.size(); ++t)
      for (auto const& slice : tensors_.partition.slices(tensors_.ranges[t])) {
        ParameterRange part = range;
        part.offset = std::max(slice.local, range.offset);
        part.size = std::min(slice.local + slice.size, range.offset + range.size) - part.offset;
        if (part.size > 0) pieces.push_back({part, divisors_[t]});
      }
  }
  return pieces;
}

/// RMS(g/√v̂) of each tensor where that exceeds 1, with the v that this step makes.
template <class Scalar, class Space>
void AdamW<Scalar, Space>::find_divisors(Context<Space> const& context, ConstVector gradient,
                                         double gradient_scale) {
  std::vector<ParameterLayout::Range> moved;
  std::vector<detail::RatioTerms<Scalar>> terms;
  for (auto const& range : adam_ranges()) {
    moved.push_back({range.offset, range.size});
    Index const t = this->steps() - range.age.second;
    auto const p =
        curvature::preconditioner_element<Scalar, Space>(options_.preconditioner(), {}, 1, t);
    terms.push_back({gradient.data(), v_.data(), options_.beta2_at(t),
                     static_cast<double>(p.moment_scale), gradient_scale,
                     options_.epsilon * options_.epsilon});
  }
  auto const sums = ratios_.template sum<2>(context, "kyrtos::adamw::clipping", moved, terms);
  divisors_.assign(sums.size(), 1);
  for (std::size_t t = 0; t < sums.size(); ++t)
    if (sums[t][0] > sums[t][1]) divisors_[t] = std::sqrt(sums[t][0] / sums[t][1]);
}

template <class Scalar, class Space>
void AdamW<Scalar, Space>::move(Context<Space> const& context, MutableVector theta,
                                ConstVector gradient, double learning_rate, double gradient_scale) {
  if (options_.update_clipping) find_divisors(context, gradient, gradient_scale);
  WeightDecay const decay{options_.weight_decay, options_.decay_reference_rate};
  std::vector<typename detail::RangeKernels<detail::AdamWNumbers<Scalar>, Space>::Piece> moves;
  double size = 0;
  for (auto const& [range, divisor] : pieces()) {
    double const planned = learning_rate * range.age.rate, rate = planned / divisor;
    double const shrink = range.decay ? decay.factor(decay.reference_rate > 0 ? planned : rate) : 1;
    moves.push_back({range.offset, range.size, numbers(range.age, rate, shrink)});
    size += static_cast<double>(range.size);
  }
  constexpr double accesses = 7;
  Region<Space> const region(context, "kyrtos::adamw::update",
                             {.bytes = accesses * sizeof(Scalar) * size});
  detail::AdamWStep<Scalar> const step{gradient.data(),
                                       m_.data(),
                                       v_.data(),
                                       theta.data(),
                                       static_cast<Scalar>(options_.beta1),
                                       static_cast<Scalar>(options_.epsilon),
                                       static_cast<Scalar>(gradient_scale),
                                       {}};
  kernels_.run(context, "kyrtos::adamw::update", moves, detail::StepOfRange{step});
}

/// Of a range of that age, with its rate before the correction of the first moment.
template <class Scalar, class Space>
auto AdamW<Scalar, Space>::numbers(ParameterAge const& age, double rate, double shrink) const
    -> detail::AdamWNumbers<Scalar> {
  auto const t = static_cast<double>(this->steps() - age.first);
  Index const t2 = this->steps() - age.second;
  double const correction = options_.preconditioner().unbiased
                                ? 1
                                : 1 / (1 - std::pow(options_.beta2, static_cast<double>(t2)));
  auto const to_scalar = [](double value) { return static_cast<Scalar>(value); };
  return {to_scalar(rate / (1 - std::pow(options_.beta1, t))), to_scalar(shrink),
          to_scalar(options_.beta2_at(t2)), to_scalar(correction)};
}

template <class Scalar, class Space>
auto AdamW<Scalar, Space>::moved() const -> std::vector<Moved> {
  std::vector<Moved> all;
  for (auto const& [range, divisor] : pieces()) {
    Index const first = this->steps() - range.age.first, second = this->steps() - range.age.second;
    if (first < 1) continue;  // it has no moments yet
    all.push_back(
        {range.offset, range.size, range.age.rate / divisor, m_,
         curvature::preconditioner_element<Scalar, Space>(
             options_.preconditioner(), slice(v_, range.offset, range.size), first, second)});
  }
  return all;
}

KYRTOS_INSTANTIATE(kyrtos::optim::AdamW)

}  // namespace kyrtos::optim
