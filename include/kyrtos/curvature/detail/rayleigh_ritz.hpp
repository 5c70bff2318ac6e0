// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/detail/small_eigen.hpp>
#include <kyrtos/curvature/detail/start_vector.hpp>
#include <kyrtos/curvature/eigenpair.hpp>

/// \file
/// \brief Rayleigh-Ritz on a handful of vectors.

namespace kyrtos::curvature::detail {

inline constexpr int largest_block = 8;

/// Column j: the combination that is the j-th most wanted Ritz vector.
struct Rotation {
  int size = 0;
  double entry[largest_block][largest_block] = {};
};

/// The order in which `target` wants ascending eigenvalues: most wanted first.
std::vector<int> wanted_order(std::vector<double> const& ascending, Spectrum target);

/// Rotation that diagonalises the symmetric part of UᵀW (row-major k × k).
Rotation ritz_rotation(std::vector<double> const& projected, int k, Spectrum target);

/// Rows of M ← their combinations by R, read and written once. Asynchronous.
template <class Space, class M>
void rotate_rows(Context<Space> const& context, M const& m, Rotation const& r) {
  using Scalar = typename M::non_const_value_type;
  linalg::detail::for_each(
      context, "kyrtos::curvature::rotate", static_cast<Index>(m.extent(1)),
      KOKKOS_LAMBDA(Index i) {
        double old[largest_block];
        for (int j = 0; j < r.size; ++j) old[j] = m(j, i);
        for (int j = 0; j < r.size; ++j) {
          double sum = 0;
          for (int l = 0; l < r.size; ++l) sum += old[l] * r.entry[l][j];
          m(j, i) = static_cast<Scalar>(sum);
        }
      });
}

/// Makes the rows orthonormal by Gram-Schmidt, each row twice against its predecessors. A row
/// that depends on them, or is not finite, becomes a random one. Waits.
/// \param partition of each row.
template <class Scalar, class Space>
void orthonormalize_rows(Context<Space> const& context, Matrix<Scalar, Space> const& m,
                         Partition const& partition, std::uint64_t seed) {
  for (Index j = 0; j < static_cast<Index>(m.extent(0)); ++j) {
    DistributedView<Scalar, Space> const v(row(m, j), partition);
    double before = normalize(context, v);
    for (std::uint64_t attempt = 0;; ++attempt) {
      bool const usable = std::isfinite(before) && before > 0;
      if (usable) {
        orthogonalize(context, m, j, v);
        double const after = normalize(context, v);
        if (after > 1e-5) {
          if (after < 0.5) {  // Scaling up brought the rounding errors up too.
            orthogonalize(context, m, j, v);
            normalize(context, v);
          }
          break;
        }
      }
      require<NumericalError>(attempt < 3, "orthonormalize_rows: more rows than dimensions");
      fill_normal(context, v,
                  philox(seed, Stream::restart, attempt * 64 + static_cast<std::uint64_t>(j)));
      before = normalize(context, v);
    }
  }
}

}  // namespace kyrtos::curvature::detail
