// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/optim/adamw.hpp>
#include <kyrtos/optim/detail/for_each_element.hpp>

#include <cmath>

namespace kyrtos::optim {

namespace detail {

/// One step of element i.
template <class Scalar, class Space>
struct AdamWStep {
  VectorView<Scalar const, Space> gradient;
  VectorView<Scalar, Space> m, v, theta;
  Scalar beta1, beta2, epsilon, rate, shrink, scale, second_correction;

  KOKKOS_INLINE_FUNCTION void operator()(Index i) const {
    Scalar const g = scale * gradient(i);
    m(i) = beta1 * m(i) + (1 - beta1) * g;
    v(i) = beta2 * v(i) + (1 - beta2) * g * g;
    theta(i) = shrink * theta(i) - rate * m(i) / (math::sqrt(v(i) * second_correction) + epsilon);
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
  constexpr double accesses = 7;
  Region<Space> const region(
      context, "kyrtos::adamw::update",
      {.bytes = accesses * sizeof(Scalar) * static_cast<double>(range.size)});
  auto const t = static_cast<double>(this->steps() - range.age.first);
  auto const t2 = static_cast<double>(this->steps() - range.age.second);
  auto const to_scalar = [](double value) { return static_cast<Scalar>(value); };
  detail::AdamWStep<Scalar, Space> const step{
      slice(gradient, range.offset, range.size),
      slice(m_, range.offset, range.size),
      slice(v_, range.offset, range.size),
      slice(theta, range.offset, range.size),
      to_scalar(options_.beta1),
      to_scalar(options_.beta2),
      to_scalar(options_.epsilon),
      to_scalar(learning_rate / (1 - std::pow(options_.beta1, t))),
      to_scalar(range.decay ? 1 - learning_rate * options_.weight_decay : 1),
      to_scalar(gradient_scale),
      to_scalar(1 / (1 - std::pow(options_.beta2, t2)))};
  detail::for_each_element(context, "kyrtos::adamw::update", range.size, step);
}

KYRTOS_INSTANTIATE(kyrtos::optim::AdamW)

}  // namespace kyrtos::optim
