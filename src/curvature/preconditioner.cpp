// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/preconditioner.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

namespace kyrtos::curvature {

template <class Scalar, class Space>
AdamPreconditioner<Scalar, Space>::AdamPreconditioner(Index size,
                                                      AdamPreconditionerOptions const& options)
    : size_(size), options_(options), ranges_{{0, size}} {
  auto const is_decay = [](double beta) { return beta >= 0 && beta < 1; };
  require<ConfigError>(is_decay(options.beta1) && is_decay(options.beta2),
                       "AdamPreconditioner: beta1 and beta2 must lie in [0, 1)");
  require<ConfigError>(options.epsilon > 0, "AdamPreconditioner: epsilon must be positive");
}

template <class Scalar, class Space>
void AdamPreconditioner<Scalar, Space>::update(ConstVector second_moment, Index step) {
  update(second_moment, std::vector<AdamRange>{{0, size_, step, step}});
}

template <class Scalar, class Space>
void AdamPreconditioner<Scalar, Space>::update(ConstVector second_moment,
                                               std::vector<AdamRange> ranges) {
  require(static_cast<Index>(second_moment.size()) == size_,
          "AdamPreconditioner: the second moment has another size than P");
  for (auto const& s : ranges) {
    require<ConfigError>(s.first_steps >= 1 && s.second_steps >= 1,
                         "AdamPreconditioner: steps are counted from 1");
    require(s.offset >= 0 && s.size >= 0 && s.offset + s.size <= size_,
            "AdamPreconditioner: a range lies outside the vector");
  }
  v_ = second_moment;
  ranges_ = std::move(ranges);
}

template <class Scalar, class Space>
auto AdamPreconditioner<Scalar, Space>::element(AdamRange const& s) const
    -> PreconditionerElement<Scalar, Space> {
  if (v_.size() == 0) return {};
  return preconditioner_element<Scalar, Space>(options_, slice(v_, s.offset, s.size), s.first_steps,
                                               s.second_steps);
}

template <class Scalar, class Space>
void AdamPreconditioner<Scalar, Space>::inverse_root(Context<Space> const& context,
                                                     VectorView<Scalar, Space> out) const {
  require(static_cast<Index>(out.size()) == size_,
          "AdamPreconditioner: the vector for P^(-1/2) has another size than P");
  linalg::fill(context, out, 1);
  for_each_range([&](Index offset, Index size, PreconditionerElement<Scalar, Space> const& p) {
    auto const target = slice(out, offset, size);
    linalg::detail::for_each(
        context, "kyrtos::curvature::inverse_root", size,
        KOKKOS_LAMBDA(Index i) { target(i) = 1 / math::sqrt(p(i)); });
  });
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::AdamPreconditioner)
