// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/detail/rayleigh_ritz.hpp>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace kyrtos::curvature::detail {

std::vector<int> wanted_order(std::vector<double> const& ascending, Spectrum target) {
  std::vector<int> order(ascending.size());
  std::iota(order.begin(), order.end(), 0);
  if (target == Spectrum::largest_algebraic) std::reverse(order.begin(), order.end());
  if (target == Spectrum::largest_magnitude)
    std::stable_sort(order.begin(), order.end(), [&](int a, int b) {
      return std::fabs(ascending[a]) > std::fabs(ascending[b]);
    });
  return order;
}

Rotation ritz_rotation(std::vector<double> const& projected, int k, Spectrum target) {
  std::vector<double> symmetric(projected.size());
  for (int i = 0; i < k; ++i)
    for (int j = 0; j < k; ++j)
      symmetric[i * k + j] = (projected[i * k + j] + projected[j * k + i]) / 2;
  auto const eigen = symmetric_eigen(std::move(symmetric), k);
  auto const order = wanted_order(eigen.values, target);
  Rotation r{.size = k};
  for (int j = 0; j < k; ++j)
    for (int i = 0; i < k; ++i) r.entry[i][j] = eigen.vector(i, order[j]);
  return r;
}

}  // namespace kyrtos::curvature::detail
