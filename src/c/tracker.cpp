// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/vector_operations.hpp>

#include "spectrum.hpp"

#include <limits>

namespace kyrtos::c {

curvature::Spectrum spectrum_of(kyrtos_spectrum spectrum) {
  switch (spectrum) {
    case KYRTOS_LARGEST_MAGNITUDE:
      return curvature::Spectrum::largest_magnitude;
    case KYRTOS_LARGEST_ALGEBRAIC:
      return curvature::Spectrum::largest_algebraic;
    case KYRTOS_SMALLEST_ALGEBRAIC:
      return curvature::Spectrum::smallest_algebraic;
  }
  throw Failure(KYRTOS_ERROR_ARGUMENT, "the target is none of kyrtos_spectrum");
}

namespace {

kyrtos_quality quality_of(curvature::Quality quality) {
  switch (quality) {
    case curvature::Quality::converged:
      return KYRTOS_CONVERGED;
    case curvature::Quality::following:
      return KYRTOS_FOLLOWING;
    case curvature::Quality::lost:
      return KYRTOS_LOST;
  }
  return KYRTOS_LOST;
}

kyrtos_stability stability_of(curvature::Stability stability) {
  switch (stability) {
    case curvature::Stability::unknown:
      return KYRTOS_UNKNOWN;
    case curvature::Stability::stable:
      return KYRTOS_STABLE;
    case curvature::Stability::at_edge:
      return KYRTOS_AT_EDGE;
    case curvature::Stability::unstable:
      return KYRTOS_UNSTABLE;
  }
  return KYRTOS_UNKNOWN;
}

}  // namespace

kyrtos_sharpness sharpness_of(curvature::SharpnessReport const& report) {
  constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
  return {.lambda = report.lambda.value_or(nothing),
          .residual = report.residual.value_or(nothing),
          .threshold_ratio = report.threshold_ratio.value_or(nothing),
          .hvps = report.hvps,
          .quality = quality_of(report.quality),
          .stability = stability_of(report.stability)};
}

/// A tracker and the operator that it follows.
template <class Scalar>
struct Tracker {
  Tracker(std::shared_ptr<Operator<Scalar>> followed, curvature::StabilityThreshold threshold,
          curvature::TrackerOptions const& options)
      : op(std::move(followed)), tracker(op->context, *op->map, threshold, options) {}

  std::shared_ptr<Operator<Scalar>> op;
  curvature::CurvatureTracker<Scalar, Space> tracker;
};

namespace {

template <class Scalar>
Either<Tracker> make_tracker(std::shared_ptr<Operator<Scalar>> const& op,
                             kyrtos_tracker_options const& o) {
  curvature::TrackerOptions const options{.target = spectrum_of(o.target),
                                          .block = static_cast<int>(o.block),
                                          .min_hvps = o.min_hvps,
                                          .max_hvps = o.max_hvps,
                                          .cold_hvps = o.cold_hvps,
                                          .target_residual = o.target_residual,
                                          .seed = o.seed};
  return std::make_shared<Tracker<Scalar>>(op, curvature::StabilityThreshold{o.threshold}, options);
}

}  // namespace

}  // namespace kyrtos::c

using namespace kyrtos;
using namespace kyrtos::c;

struct kyrtos_tracker final : HandleOf<Either<Tracker>> {
  using HandleOf::HandleOf;
};

kyrtos_tracker_options kyrtos_tracker_defaults(void) {
  curvature::TrackerOptions const o;
  return {.threshold = 2,
          .target_residual = o.target_residual,
          .block = o.block,
          .min_hvps = o.min_hvps,
          .max_hvps = o.max_hvps,
          .cold_hvps = o.cold_hvps,
          .seed = o.seed,
          .target = KYRTOS_LARGEST_ALGEBRAIC};
}

kyrtos_status kyrtos_tracker_create(kyrtos_operator* op, kyrtos_tracker_options const* options,
                                    kyrtos_tracker** made) {
  return create(op, made, [&] {
    auto const o = options == nullptr ? kyrtos_tracker_defaults() : *options;
    return std::visit([&](auto const& map) { return make_tracker(map, o); }, op->body());
  });
}

kyrtos_status kyrtos_tracker_update(kyrtos_tracker* handle, double step_size,
                                    kyrtos_sharpness* report) {
  return with(handle, [&](auto& t) {
    auto const found = sharpness_of(t.tracker.update(step_size));
    if (report != nullptr) *report = found;
  });
}

kyrtos_status kyrtos_tracker_vector(kyrtos_tracker* handle, kyrtos_array const* vector) {
  return with(handle, [&]<class Scalar>(Tracker<Scalar>& t) {
    require_argument(vector != nullptr, "the array for the vector is NULL");
    check_array(*vector, {"vector", {t.op->map->size()}});
    scatter<Scalar>(t.op->context, flat(rows_of(t.tracker.vectors(), 0, 1)), *vector);
  });
}

char const* kyrtos_tracker_error(kyrtos_tracker const* tracker) {
  return tracker == nullptr ? "the tracker is NULL" : tracker->error();
}

void kyrtos_tracker_destroy(kyrtos_tracker* tracker) {
  delete tracker;
}
