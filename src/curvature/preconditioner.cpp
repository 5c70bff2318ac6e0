// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/preconditioner.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <cmath>

namespace kyrtos::curvature {

namespace {

/// P = scale·(√(v·moment_scale) + ε)
struct Coefficients {
  double scale;
  double moment_scale;
};

Coefficients coefficients(AdamPreconditionerOptions const& options, AdamStretch const& s) {
  if (options.kind == AdamPreconditionerKind::plain) return {1, 1};
  return {1 - std::pow(options.beta1, static_cast<double>(s.first_steps)),
          1 / (1 - std::pow(options.beta2, static_cast<double>(s.second_steps)))};
}

}  // namespace

template <class Scalar, class Space>
AdamPreconditioner<Scalar, Space>::AdamPreconditioner(Context<Space> const& context, Index size,
                                                      AdamPreconditionerOptions const& options)
    : options_(options), inverse_root_(allocate<Scalar>(context, "curvature::inverse_root", size)) {
  auto const is_decay = [](double beta) { return beta >= 0 && beta < 1; };
  require<ConfigError>(is_decay(options.beta1) && is_decay(options.beta2),
                       "AdamPreconditioner: beta1 and beta2 must lie in [0, 1)");
  require<ConfigError>(options.epsilon > 0, "AdamPreconditioner: epsilon must be positive");
  linalg::fill(context, inverse_root_, 1);
}

template <class Scalar, class Space>
void AdamPreconditioner<Scalar, Space>::update(Context<Space> const& context,
                                               VectorView<Scalar const, Space> second_moment,
                                               Index step, MatrixView<Scalar, Space> transported) {
  update(context, second_moment,
         std::vector<AdamStretch>{{0, static_cast<Index>(inverse_root_.size()), step, step}},
         transported);
}

template <class Scalar, class Space>
void AdamPreconditioner<Scalar, Space>::update(Context<Space> const& context,
                                               VectorView<Scalar const, Space> second_moment,
                                               std::vector<AdamStretch> const& stretches,
                                               MatrixView<Scalar, Space> transported) {
  Index const n = linalg::detail::common_size(second_moment, inverse_root_, "AdamPreconditioner");
  Index const rows = is_set_ ? static_cast<Index>(transported.extent(0)) : 0;
  require(rows == 0 || static_cast<Index>(transported.extent(1)) == n,
          "AdamPreconditioner: the vectors to transport have another size than P");
  for (auto const& stretch : stretches) {
    require<ConfigError>(stretch.first_steps >= 1 && stretch.second_steps >= 1,
                         "AdamPreconditioner: steps are counted from 1");
    require(stretch.offset >= 0 && stretch.size >= 0 && stretch.offset + stretch.size <= n,
            "AdamPreconditioner: a stretch lies outside the vector");
    auto const [scale, moment_scale] = coefficients(options_, stretch);
    auto const p_scale = static_cast<Scalar>(scale), v_scale = static_cast<Scalar>(moment_scale);
    auto const epsilon = static_cast<Scalar>(options_.epsilon);
    auto const p = inverse_root_;
    Index const first = stretch.offset;
    linalg::detail::for_each(
        context, "kyrtos::curvature::precondition", stretch.size, KOKKOS_LAMBDA(Index k) {
          Index const i = first + k;
          Scalar const root = math::sqrt(second_moment(i) * v_scale);
          Scalar const updated = 1 / math::sqrt(p_scale * (root + epsilon));
          Scalar const change = p(i) / updated;
          for (Index j = 0; j < rows; ++j) transported(j, i) *= change;
          p(i) = updated;
        });
  }
  is_set_ = true;
}

template <class Scalar, class Space>
void AdamPreconditioner<Scalar, Space>::restore(Context<Space> const& context,
                                                VectorView<Scalar const, Space> inverse_root) {
  linalg::copy(context, inverse_root, inverse_root_);
  is_set_ = true;
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::AdamPreconditioner)
