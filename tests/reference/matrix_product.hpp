// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

namespace kyrtos::reference {

/// A row-major matrix that knows whether it stands for its transpose.
struct HostMatrix {
  std::size_t rows, columns;
  std::vector<double> values;
  bool transposed = false;

  double operator()(std::size_t i, std::size_t j) const {
    return transposed ? values[j * columns + i] : values[i * columns + j];
  }
  std::size_t inner() const { return transposed ? rows : columns; }
};

/// C = α·op(A)·op(B) + β·C, and beside it |α|·|op(A)|·|op(B)| + |β|·|C|: what rounding errors scale
/// with. With β = 0 the old C is not read.
struct MatrixProduct {
  std::vector<double> value, magnitude;

  MatrixProduct(double alpha, HostMatrix const& a, HostMatrix const& b, double beta,
                HostMatrix const& c) {
    for (std::size_t i = 0; i < c.rows; ++i)
      for (std::size_t j = 0; j < c.columns; ++j) {
        double sum = 0, size = 0;
        for (std::size_t k = 0; k < a.inner(); ++k) {
          sum += a(i, k) * b(k, j);
          size += std::abs(a(i, k) * b(k, j));
        }
        value.push_back(alpha * sum + (beta == 0 ? 0 : beta * c(i, j)));
        magnitude.push_back(std::abs(alpha) * size + (beta == 0 ? 0 : std::abs(beta * c(i, j))));
      }
  }
};

}  // namespace kyrtos::reference
