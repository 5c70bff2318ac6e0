// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/curvature/spectral_density.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/curvature_check.hpp>

#include "curvature/detail/pencil.hpp"

#include <cmath>

namespace kyrtos::train {

double check_products(CurvatureOptions const& options, bool rounds_factors) {
  if (options.check_every == 0) return 0;
  return static_cast<double>(options.check_batches + (rounds_factors ? 1 : 0)) /
         static_cast<double>(options.check_every);
}

template <class Scalar, class Space>
CurvatureCheck<Scalar, Space>::CurvatureCheck(CurvatureProbe<Scalar, Space>& probe,
                                              Objective& training, CurvatureOptions const& options,
                                              SequenceShape shape, Source source,
                                              Interruption interrupted)
    : probe_(&probe),
      options_(options),
      source_(std::move(source)),
      interrupted_(std::move(interrupted)),
      measured_(&probe.objective()),
      none_(training.partition().local_size()),
      rounds_(probe.objective().context().products() != training.context().products()) {
  require<ConfigError>(options.method == CurvatureOptions::Method::tracker,
                       "curvature.check_every: checks the direction that curvature.method = "
                       "\"tracker\" carries along; choose it");
  require<ConfigError>(options.check_every >= 1 && options.check_batches >= 2,
                       "curvature.check_every must be at least 1, check_batches at least 2");
  if (rounds_)
    image_ =
        allocate<Scalar>(training.context(), "curvature::check", training.partition().local_size());
  if (!rounds_ && !options.on_kept_batch) return;
  auto const& as = training.options();
  own_.emplace(training.context(), training.model(), training.parameters(),
               model::ObjectiveOptions{.workspace = {.active = as.workspace.active,
                                                     .tangents = true,
                                                     .name = "activations of the check"},
                                       .reduction = as.reduction},
               shape);
  if (options.on_kept_batch) measured_ = &*own_;
}

template <class Scalar, class Space>
void CurvatureCheck<Scalar, Space>::set_active(model::ActiveBlocks const& active) {
  if (own_) own_->set_active(active);  // the probe's is its owner's to change
}

template <class Scalar, class Space>
std::optional<CheckReport> CurvatureCheck<Scalar, Space>::measure() {
  if (!probe_->state().tracker.last.lambda) return std::nullopt;
  Region<Space> const region(measured_->context(), "kyrtos::CurvatureCheck::measure");
  direction_ = probe_->direction();
  auto const of_probe = measured_->batches();
  CheckReport report;
  std::vector<double> quotients;
  for (Index i = 0; i < options_.check_batches && !interrupted_(); ++i) {
    auto const batches = source_(i);
    measured_->set_batches(batches);
    apply(*measured_, probe_->image());
    quotients.push_back(quotient_of(probe_->image()).quotient);
    if (i == 0 && rounds_) compare_precisions(batches, report);
  }
  measured_->set_batches(of_probe);
  if (static_cast<Index>(quotients.size()) < options_.check_batches) return std::nullopt;
  auto const [mean, error] = curvature::sample_mean(quotients);
  report.held_out = mean;
  report.held_out_error = error;
  return report;
}

/// y ← Hx or Gx
template <class Scalar, class Space>
void CurvatureCheck<Scalar, Space>::apply(Objective& objective, VectorView<Scalar, Space> y) {
  bool const is_gauss_newton = options_.matrix == CurvatureOptions::Matrix::gauss_newton;
  if (is_gauss_newton)
    objective.gauss_newton(direction_, y);
  else
    objective.hvp(direction_, y);
}

/// ⟨u, w⟩/⟨u, u⟩ and ‖w‖/‖u‖ of w = P^(-1/2) y; over spectral norms ⟨D, y⟩ and ‖y‖.
template <class Scalar, class Space>
auto CurvatureCheck<Scalar, Space>::quotient_of(VectorView<Scalar, Space> y) const -> Image {
  auto const& context = measured_->context();
  DistributedView<Scalar const, Space> const x(direction_, measured_->partition());
  DistributedView<Scalar const, Space> const image(y, measured_->partition());
  if (options_.matrix == CurvatureOptions::Matrix::spectral)
    return {linalg::dot(context, x, image), linalg::norm(context, image)};
  auto const* const p = probe_->preconditioner();
  auto const q =
      curvature::detail::rayleigh_quotient<Scalar, Space>(context, p ? *p : none_, x, image);
  return {q.value, q.image};
}

/// Against the same products without rounded factors: leaves the difference in the probe's image.
template <class Scalar, class Space>
void CurvatureCheck<Scalar, Space>::compare_precisions(std::vector<Batch> const& batches,
                                                       CheckReport& report) {
  own_->set_batches(batches);
  apply(*own_, image_);
  auto const exact = quotient_of(image_);
  linalg::axpy(own_->context(), -1, image_, probe_->image());
  auto const error = quotient_of(probe_->image());
  report.precision_error = std::abs(error.quotient / exact.quotient);
  report.product_error = error.length / exact.length;
}

KYRTOS_INSTANTIATE(kyrtos::train::CurvatureCheck)

}  // namespace kyrtos::train
