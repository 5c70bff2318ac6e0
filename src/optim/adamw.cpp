// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/optim/adamw.hpp>
#include <kyrtos/optim/detail/sweep.hpp>

#include <cmath>

namespace kyrtos::optim {

namespace detail {

/// What one step needs beside the vectors.
template <class Scalar>
struct AdamWStep {
  Scalar beta1, beta2, epsilon, rate, shrink, scale, second_correction;

  KOKKOS_INLINE_FUNCTION void operator()(Scalar gradient, Scalar& m, Scalar& v,
                                         Scalar& theta) const {
    Scalar const g = scale * gradient;
    m = beta1 * m + (1 - beta1) * g;
    v = beta2 * v + (1 - beta2) * g * g;
    theta = shrink * theta - rate * m / (math::sqrt(v * second_correction) + epsilon);
  }
};

}  // namespace detail

template <class Scalar, class Space>
AdamW<Scalar, Space>::AdamW(Context<Space> const& context, Index size,
                            std::vector<ParameterRange> ranges, AdamWOptions const& options)
    : Base(std::move(ranges)),
      options_(options),
      m_(allocate<Scalar>(context, "optimizer::m", size)),
      v_(allocate<Scalar>(context, "optimizer::v", size)) {
  auto const is_rate = [](double beta) { return beta >= 0 && beta < 1; };
  require<ConfigError>(is_rate(options.beta1) && is_rate(options.beta2),
                       "optimizer.beta1 and beta2 must be in [0, 1)");
  require<ConfigError>(options.epsilon > 0, "optimizer.epsilon must be positive");
  require<ConfigError>(options.weight_decay >= 0, "optimizer.weight_decay must not be negative");
}

template <class Scalar, class Space>
void AdamW<Scalar, Space>::update_range(Context<Space> const& context, ParameterRange range,
                                        MutableVector theta, ConstVector gradient,
                                        double learning_rate, double gradient_scale) {
  auto const t = static_cast<double>(this->steps());
  auto const to_scalar = [](double value) { return static_cast<Scalar>(value); };
  detail::AdamWStep<Scalar> const step{
      to_scalar(options_.beta1),
      to_scalar(options_.beta2),
      to_scalar(options_.epsilon),
      to_scalar(learning_rate / (1 - std::pow(options_.beta1, t))),
      to_scalar(range.decay ? 1 - learning_rate * options_.weight_decay : 1),
      to_scalar(gradient_scale),
      to_scalar(1 / (1 - std::pow(options_.beta2, t)))};
  auto const g = slice(gradient, range.offset, range.size);
  auto const m = slice(m_, range.offset, range.size);
  auto const v = slice(v_, range.offset, range.size);
  auto const x = slice(theta, range.offset, range.size);
  detail::sweep(
      context, "kyrtos::adamw::update", range.size,
      KOKKOS_LAMBDA(Index i) { step(g(i), m(i), v(i), x(i)); });
}

KYRTOS_INSTANTIATE(kyrtos::optim::AdamW)

}  // namespace kyrtos::optim
