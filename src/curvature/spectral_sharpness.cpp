// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/detail/vector_set.hpp>
#include <kyrtos/curvature/spectral_sharpness.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <algorithm>
#include <cmath>

namespace kyrtos::curvature {

template <class Scalar, class Space>
SpectralSharpness<Scalar, Space>::SpectralSharpness(Context<Space> const& context,
                                                    LinearOperator<Scalar, Space>& op,
                                                    std::vector<parallel::MatrixRange> matrices,
                                                    std::vector<double> radii,
                                                    SpectralOptions const& options,
                                                    VectorView<Scalar, Space> image)
    : context_(context),
      operator_(&op),
      options_(options),
      partition_(op.partition()),
      radii_(std::move(radii)),
      whole_(context, "curvature::spectral", partition_, std::move(matrices)),
      newton_schulz_(context, "curvature::spectral::newton_schulz", whole_.largest_size(),
                     whole_.largest_side()),
      d_(allocate_rows<Scalar>(context, "curvature::spectral::d", 1, op.size())) {
  require<ConfigError>(!whole_.matrices().empty() && radii_.size() == whole_.matrices().size(),
                       "curvature.matrix = \"spectral\": needs blocks, which have the matrices");
  require<ConfigError>(options.every >= 1 && options.min_hvps >= 1 &&
                           options.min_hvps <= options.max_hvps && options.cold_hvps >= 1,
                       "SpectralSharpness: every and min_hvps must be at least 1, and min_hvps at "
                       "most max_hvps");
  require(image.size() == 0 || static_cast<Index>(image.size()) == op.size(),
          "SpectralSharpness: the image must have the operator's size");
  if (image.size() == 0)
    own_image_ = allocate<Scalar>(context, "curvature::spectral::image", op.size());
  image_ = image.size() > 0 ? image : VectorView<Scalar, Space>(own_image_);
}

template <class Scalar, class Space>
SharpnessReport SpectralSharpness<Scalar, Space>::update(double learning_rate) {
  if (state_.updates++ % options_.every != 0) return repeat(learning_rate);
  state_.last = measure();
  judge(state_.last, learning_rate);
  return state_.last;
}

template <class Scalar, class Space>
SharpnessReport SpectralSharpness<Scalar, Space>::repeat(double learning_rate) const {
  SharpnessReport report = state_.last;
  report.measured = false;
  report.hvps = 0;
  judge(report, learning_rate);
  return report;
}

template <class Scalar, class Space>
void SpectralSharpness<Scalar, Space>::judge(SharpnessReport& report, double learning_rate) const {
  report.threshold_ratio.reset();
  if (report.lambda && slope_.value_or(0) > 0)
    report.threshold_ratio = StabilityThreshold{2 * *slope_}.ratio(*report.lambda, learning_rate);
  report.stability = classify(report.threshold_ratio);
}

template <class Scalar, class Space>
SharpnessReport SpectralSharpness<Scalar, Space>::measure() {
  SharpnessReport report;
  if (!state_.has_vectors) draw();
  Index const budget = state_.warm ? options_.max_hvps : options_.cold_hvps;
  state_.has_vectors = state_.warm = false;
  std::optional<double> before;
  do {
    operator_->apply(context_, flat(d_), image_);
    ++report.hvps;
    double const value = linalg::dot(context_, direction(), image_on_ranks());
    double const length = linalg::norm(context_, direction()),
                 image_length = linalg::norm(context_, image_on_ranks());
    if (!std::isfinite(value) || !std::isfinite(image_length)) return report;
    bool const falls = value < 0 || (before && value < *before);
    before = value;
    project(falls && length > 0 ? 2 * image_length / length : 0);
    double const highest = linalg::dot(context_, direction(), image_on_ranks());
    report.lambda.reset();
    if (value > 0) {
      report.lambda = value;
      report.residual = std::max(0.0, highest / value - 1);
    }
  } while (report.hvps < budget &&
           (report.hvps < options_.min_hvps || !report.lambda ||
            *report.residual > options_.target_residual) &&
           !options_.interrupted());
  state_.has_vectors = true;
  state_.warm = report.lambda.has_value();
  if (report.lambda)
    report.quality =
        *report.residual <= options_.target_residual ? Quality::converged : Quality::following;
  else
    report.residual.reset();
  return report;
}

template <class Scalar, class Space>
void SpectralSharpness<Scalar, Space>::draw() {
  auto const random = detail::philox(options_.seed, detail::Stream::restart,
                                     static_cast<std::uint64_t>(state_.updates));
  detail::fill_normal(context_, image_on_ranks(), random, 0);
  linalg::fill(context_, flat(d_), 0);
  project(0);
}

/// D_k ← s_k UVᵀ of (image + shift·D)_k = UΣVᵀ.
template <class Scalar, class Space>
void SpectralSharpness<Scalar, Space>::project(double shift) {
  for (auto const& m : whole_.matrices())
    for (auto const& own : partition_.slices(m.range()))
      linalg::axpby(context_, 1, slice(image_, own.local, own.size), shift,
                    slice(flat(d_), own.local, own.size));
  auto const steps = linalg::polar_steps();
  whole_.transform(context_, flat(d_), [&](std::size_t i, MatrixView<Scalar, Space> x) {
    newton_schulz_.apply(context_, x, steps);
    linalg::scale(context_, radii_[i], flat(x));
  });
}

}  // namespace kyrtos::curvature

KYRTOS_INSTANTIATE(kyrtos::curvature::SpectralSharpness)
