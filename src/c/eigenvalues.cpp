// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/power_iteration.hpp>
#include <kyrtos/curvature/spectral_density.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "spectrum.hpp"

#include <algorithm>
#include <limits>

using namespace kyrtos;
using namespace kyrtos::c;

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

curvature::SpectralDensityOptions options_of(kyrtos_density_options const& o) {
  return {.probes = o.probes,
          .steps = o.steps,
          .grid_points = o.grid_points,
          .relative_width = o.relative_width,
          .seed = o.seed};
}

/// Rows of `steps`, as long as those of probes that ended early.
void write_quadrature(std::vector<curvature::Quadrature> const& probes, Index steps,
                      kyrtos_density& to) {
  double *node = to.nodes, *weight = to.weights;
  for (auto const& probe : probes) {
    std::fill_n(std::copy(probe.nodes.begin(), probe.nodes.end(), node),
                steps - static_cast<Index>(probe.nodes.size()), nothing);
    std::fill_n(std::copy(probe.weights.begin(), probe.weights.end(), weight),
                steps - static_cast<Index>(probe.weights.size()), 0.0);
    node += steps;
    weight += steps;
  }
}

}  // namespace

kyrtos_status kyrtos_power_iteration(kyrtos_operator* handle, kyrtos_spectrum target,
                                     double tolerance, int64_t max_hvps, uint64_t seed,
                                     kyrtos_eigenvalue* eigenvalue, kyrtos_array const* eigenvector,
                                     int64_t* hvps) {
  return with(handle, [&]<class Scalar>(Operator<Scalar>& op) {
    require_argument(eigenvalue != nullptr, "the place for the eigenvalue is NULL");
    if (eigenvector != nullptr) check_array(*eigenvector, {"eigenvector", {op.map->size()}});
    curvature::PowerIteration<Scalar, Space> solver(op.context, op.map->size());
    auto const found = solver.solve(*op.map, {.target = spectrum_of(target),
                                              .tolerance = tolerance,
                                              .max_hvps = max_hvps,
                                              .seed = seed});
    *eigenvalue = {found.value, found.residual};
    if (hvps != nullptr) *hvps = found.hvps;
    if (eigenvector != nullptr) scatter<Scalar>(op.context, solver.eigenvector(), *eigenvector);
  });
}

kyrtos_status kyrtos_lanczos(kyrtos_operator* handle, int64_t largest, int64_t smallest,
                             double tolerance, int64_t max_hvps, uint64_t seed,
                             kyrtos_eigenvalue* eigenvalues, int64_t* hvps) {
  return with(handle, [&]<class Scalar>(Operator<Scalar>& op) {
    require_argument(eigenvalues != nullptr, "the place for the eigenvalues is NULL");
    require_argument(largest >= 0 && smallest >= 0 && largest + smallest > 0,
                     "lanczos: ask for at least one eigenvalue");
    require_argument(max_hvps > 0, "lanczos: max_hvps must be positive");
    Index const dimension = std::min(max_hvps, op.map->size());
    curvature::Lanczos<Scalar, Space> solver(op.context, op.map->size(), dimension);
    auto const found = solver.solve(*op.map, {.largest = largest,
                                              .smallest = smallest,
                                              .tolerance = tolerance,
                                              .max_hvps = dimension,
                                              .true_residuals = true,
                                              .seed = seed});
    std::fill_n(eigenvalues, largest + smallest, kyrtos_eigenvalue{nothing, nothing});
    auto const write = [](auto const& pairs, kyrtos_eigenvalue* to) {
      for (auto const& pair : pairs) *to++ = {pair.value, pair.residual};
    };
    write(found.largest, eigenvalues);
    write(found.smallest, eigenvalues + largest);
    if (hvps != nullptr) *hvps = found.hvps;
  });
}

kyrtos_density_options kyrtos_density_defaults(void) {
  curvature::SpectralDensityOptions const o;
  return {.probes = o.probes,
          .steps = o.steps,
          .grid_points = o.grid_points,
          .relative_width = o.relative_width,
          .seed = o.seed};
}

kyrtos_status kyrtos_spectral_density(kyrtos_operator* handle,
                                      kyrtos_density_options const* options,
                                      kyrtos_density* density) {
  return with(handle, [&](auto& op) {
    require_argument(density != nullptr && density->grid != nullptr &&
                         density->density != nullptr && density->standard_error != nullptr,
                     "the place for the grid, the density or its error is NULL");
    require_argument((density->nodes == nullptr) == (density->weights == nullptr),
                     "there is a place for nodes or for weights, but not for both");
    auto const o = options == nullptr ? kyrtos_density_defaults() : *options;
    auto const found = curvature::spectral_density(op.context, *op.map, options_of(o));
    std::copy(found.grid.begin(), found.grid.end(), density->grid);
    std::copy(found.density.begin(), found.density.end(), density->density);
    std::copy(found.standard_error.begin(), found.standard_error.end(), density->standard_error);
    if (density->nodes != nullptr) write_quadrature(found.probes, o.steps, *density);
    density->width = found.width;
    density->hvps = found.hvps;
  });
}
