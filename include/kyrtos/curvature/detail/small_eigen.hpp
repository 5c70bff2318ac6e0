// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <vector>

/// \file
/// \brief Eigenvalues of the small matrices that projections of a large operator give. On the
/// host, in double precision.

namespace kyrtos::curvature::detail {

/// Eigenvalues in ascending order and, column j of `vectors` (row-major, rows × size), what the
/// transformation did to the j-th: the eigenvector where it started from the identity.
struct SmallEigen {
  std::vector<double> values;
  std::vector<double> vectors;
  int rows = 0;

  int size() const { return static_cast<int>(values.size()); }
  double vector(int row, int j) const {
    return vectors[static_cast<std::size_t>(row) * values.size() + static_cast<std::size_t>(j)];
  }
};

/// All eigenpairs of a symmetric matrix (row-major n × n; the upper triangle is read) by Jacobi's
/// cyclic rotations: unconditionally accurate, 𝒪(n³) a sweep, about six sweeps. Meant for n ≤ 16.
/// \throws NumericalError when an entry is NaN or infinite.
SmallEigen symmetric_eigen(std::vector<double> matrix, int n);

/// Which part of a tridiagonal matrix's eigenvectors is wanted.
enum class EigenvectorRows { all, first };

/// All eigenvalues of the symmetric tridiagonal matrix with the given diagonal (m values) and
/// off-diagonal (m − 1 values), by the implicit QL method with Wilkinson's shift (Parlett, The
/// Symmetric Eigenvalue Problem, ch. 8). 𝒪(m²), and 𝒪(m³) for whole eigenvectors.
/// \throws NumericalError when an entry is NaN or infinite.
SmallEigen tridiagonal_eigen(std::vector<double> diagonal, std::vector<double> off_diagonal,
                             EigenvectorRows rows = EigenvectorRows::all);

}  // namespace kyrtos::curvature::detail
