// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/linalg/newton_schulz.hpp>

#include "numbers.hpp"

#include <functional>
#include <lapacke.h>

/// \file
/// \brief Functions of singular values in double, by LAPACK's decomposition.

namespace kyrtos::testing {

/// U f(Σ) Vᵀ of a row-major matrix UΣVᵀ.
inline Numbers with_singular_values(Numbers x, Index rows, Index columns,
                                    std::function<double(double)> const& f) {
  Index const k = std::min(rows, columns);
  auto const size = [](Index n) { return static_cast<std::size_t>(n); };
  auto const count = [](Index n) { return static_cast<lapack_int>(n); };
  Numbers s(size(k)), u(size(rows * k)), vt(size(k * columns)), rest(size(k));
  LAPACKE_dgesvd(LAPACK_ROW_MAJOR, 'S', 'S', count(rows), count(columns), x.data(), count(columns),
                 s.data(), u.data(), count(k), vt.data(), count(columns), rest.data());
  std::fill(x.begin(), x.end(), 0);
  for (Index j = 0; j < k; ++j)
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < columns; ++c)
        x[size(r * columns + c)] += u[size(r * k + j)] * f(s[size(j)]) * vt[size(j * columns + c)];
  return x;
}

/// What linalg::NewtonSchulz makes of it in exact arithmetic.
inline Numbers newton_schulz(Numbers const& x, Index rows, Index columns,
                             std::vector<linalg::OddQuintic> const& steps) {
  double const length = norm(x);
  return with_singular_values(x, rows, columns, [&](double sigma) {
    double y = length > 0 ? sigma / length : 0;
    for (auto const& p : steps) y *= p.a + y * y * (p.b + p.c * y * y);
    return y;
  });
}

/// UVᵀ; what is zero but for rounding stays zero.
inline Numbers orthogonal_factor(Numbers const& x, Index rows, Index columns) {
  double const least = 1e-12 * norm(x);
  return with_singular_values(x, rows, columns,
                              [least](double sigma) { return sigma > least ? 1.0 : 0.0; });
}

/// Of rank at most `rank`.
template <class Scalar>
Numbers random_matrix(Index rows, Index columns, Index rank, std::uint64_t seed) {
  auto const a = random_numbers<Scalar>(static_cast<std::size_t>(rows * rank), seed),
             b = random_numbers<Scalar>(static_cast<std::size_t>(rank * columns), seed + 1);
  Numbers x(static_cast<std::size_t>(rows * columns), 0.0);
  for (Index r = 0; r < rows; ++r)
    for (Index c = 0; c < columns; ++c)
      for (Index k = 0; k < rank; ++k)
        x[static_cast<std::size_t>(r * columns + c)] +=
            a[static_cast<std::size_t>(r * rank + k)] *
            b[static_cast<std::size_t>(k * columns + c)];
  for (auto& value : x) value = static_cast<double>(static_cast<Scalar>(value));
  return x;
}

}  // namespace kyrtos::testing
