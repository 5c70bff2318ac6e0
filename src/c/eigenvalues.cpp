// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/power_iteration.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "spectrum.hpp"

#include <limits>

using namespace kyrtos;
using namespace kyrtos::c;

kyrtos_status kyrtos_power_iteration(kyrtos_operator* handle, kyrtos_spectrum target,
                                     double tolerance, int64_t max_products,
                                     kyrtos_eigenvalue* eigenvalue, kyrtos_array const* eigenvector,
                                     int64_t* products) {
  return with(handle, [&]<class Scalar>(Operator<Scalar>& op) {
    require_argument(eigenvalue != nullptr, "the place for the eigenvalue is NULL");
    if (eigenvector != nullptr) check_array(*eigenvector, {"eigenvector", {op.map->size()}});
    curvature::PowerIteration<Scalar, Space> solver(op.context, op.map->size());
    auto const found = solver.solve(
        *op.map, {.target = spectrum_of(target), .tolerance = tolerance, .max_hvps = max_products});
    *eigenvalue = {found.value, found.residual};
    if (products != nullptr) *products = found.hvps;
    if (eigenvector != nullptr) scatter<Scalar>(op.context, solver.eigenvector(), *eigenvector);
  });
}

kyrtos_status kyrtos_lanczos(kyrtos_operator* handle, int64_t largest, int64_t smallest,
                             double tolerance, int64_t max_products, kyrtos_eigenvalue* eigenvalues,
                             int64_t* products) {
  return with(handle, [&]<class Scalar>(Operator<Scalar>& op) {
    require_argument(eigenvalues != nullptr, "the place for the eigenvalues is NULL");
    require_argument(largest >= 0 && smallest >= 0 && largest + smallest > 0,
                     "lanczos: ask for at least one eigenvalue");
    require_argument(max_products > 0, "lanczos: max_products must be positive");
    Index const dimension = std::min(max_products, op.map->size());
    curvature::Lanczos<Scalar, Space> solver(op.context, op.map->size(), dimension);
    auto const found = solver.solve(
        *op.map,
        {.largest = largest, .smallest = smallest, .tolerance = tolerance, .max_hvps = dimension});
    constexpr double nothing = std::numeric_limits<double>::quiet_NaN();
    std::fill_n(eigenvalues, largest + smallest, kyrtos_eigenvalue{nothing, nothing});
    auto const write = [](auto const& pairs, kyrtos_eigenvalue* to) {
      for (auto const& pair : pairs) *to++ = {pair.value, pair.residual};
    };
    write(found.largest, eigenvalues);
    write(found.smallest, eigenvalues + largest);
    if (products != nullptr) *products = found.hvps;
  });
}
