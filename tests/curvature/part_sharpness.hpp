// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/part_sharpness.hpp>

#include "operators.hpp"

// The sharpness of each part alone, held to LAPACK's eigenvalues of the diagonal blocks.

namespace kyrtos::testing::part_sharpness {

using Parts = curvature::PartSharpness<Scalar, Space>;

TEST_CASE("each part's quotient approaches its block's largest eigenvalue from below",
          "[part_sharpness]") {
  Context<Space> const context(MPI_COMM_WORLD);
  auto const matrix = matrix_of(network_spectrum(60, {9, 4, 3, 2, 1}));
  DenseOperator a(context, matrix);
  std::vector<ParameterLayout::Range> const ranges{{0, 10}, {10, 30}, {40, 20}};
  Parts parts(context, Partition(60), ranges, 3);
  for (std::size_t p = 0; p < ranges.size(); ++p) {
    Numbers block;
    for (Index i = 0; i < ranges[p].size; ++i)
      for (Index j = 0; j < ranges[p].size; ++j)
        block.push_back(
            matrix[static_cast<std::size_t>((ranges[p].offset + i) * 60 + ranges[p].offset + j)]);
    double const wanted = lapack_eigenvalues(block).back();
    double found = 0;
    // The error of the quotient falls with the square of the eigenvalues' ratio at each update.
    for (int k = 0; k < 400; ++k) {
      found = parts.update(context, a, p);
      CHECK(found <= wanted * (1 + 100 * epsilon));
    }
    CHECK(std::fabs(found / wanted - 1) < 1000 * epsilon);
  }
  // Each vector lies in its own part and has length one.
  CHECK(std::fabs(linalg::norm(context, parts.vectors()) - std::sqrt(3.0)) < 100 * epsilon);
}

TEST_CASE("a part on which the matrix is zero has no sharpness, and keeps its vector",
          "[part_sharpness]") {
  Context<Space> const context(MPI_COMM_WORLD);
  DiagonalOperator a(context, {2, 3, 0, 0});
  Parts parts(context, Partition(4), {{0, 2}, {2, 2}}, 3);
  CHECK(std::isnan(parts.update(context, a, 1)));
  CHECK(std::fabs(linalg::norm(context, parts.vectors()) - std::sqrt(2.0)) < 10 * epsilon);
  for (int k = 0; k < 100; ++k) parts.update(context, a, 0);
  CHECK(std::fabs(parts.update(context, a, 0) - 3) < 10 * epsilon);
}

}  // namespace kyrtos::testing::part_sharpness
