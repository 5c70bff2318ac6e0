// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/optim/sgd.hpp>

namespace kyrtos::optim {

namespace detail {

/// One step of element i.
template <class Scalar>
struct SgdStep {
  Scalar const* gradient;
  Scalar *m, *theta;
  Scalar momentum, scale;
  SgdNumbers<Scalar> of_range;

  KOKKOS_INLINE_FUNCTION void operator()(Index i) const {
    m[i] = momentum * m[i] + scale * gradient[i];
    theta[i] = of_range.shrink * theta[i] - of_range.rate * m[i];
  }
};

}  // namespace detail

template <class Scalar, class Space>
Sgd<Scalar, Space>::Sgd(Context<Space> const& context, Index size,
                        std::vector<ParameterRange> ranges, SgdOptions const& options)
    : Base(std::move(ranges)),
      options_(options),
      m_(allocate<Scalar>(context, "optimizer::m", size)) {
  require<ConfigError>(options.momentum >= 0 && options.momentum < 1,
                       "optimizer.momentum must be in [0, 1)");
  require<ConfigError>(options.weight_decay >= 0, "optimizer.weight_decay must not be negative");
}

template <class Scalar, class Space>
void Sgd<Scalar, Space>::move(Context<Space> const& context, MutableVector theta,
                              ConstVector gradient, double learning_rate, double gradient_scale) {
  WeightDecay const decay{options_.weight_decay, options_.decay_reference_rate};
  std::vector<typename detail::RangeKernels<detail::SgdNumbers<Scalar>, Space>::Piece> moves;
  for (auto const& range : this->ranges()) {
    double const rate = learning_rate * range.age.rate;
    moves.push_back(
        {range.offset,
         range.size,
         {static_cast<Scalar>(rate), static_cast<Scalar>(range.decay ? decay.factor(rate) : 1)}});
  }
  detail::SgdStep<Scalar> const step{gradient.data(),
                                     m_.data(),
                                     theta.data(),
                                     static_cast<Scalar>(options_.momentum),
                                     static_cast<Scalar>(gradient_scale),
                                     {}};
  kernels_.run(context, "kyrtos::sgd::update", moves, detail::StepOfRange{step});
}

KYRTOS_INSTANTIATE(kyrtos::optim::Sgd)

}  // namespace kyrtos::optim
