// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/detail/vector_set.hpp>

#include <limits>
#include <type_traits>

namespace kyrtos::curvature::detail {

/// Streams of Philox that the curvature room uses, so that no two purposes share numbers.
enum class Stream : std::uint64_t {
  start = 0x6b79'0001,
  probe = 0x6b79'1000,
  restart = 0x6b79'2000
};

inline Philox philox(std::uint64_t seed, Stream stream, std::uint64_t index = 0) {
  return {seed, static_cast<std::uint64_t>(stream) + (index << 16)};
}

/// u ← `start`, or where that is empty random numbers of the seed; of length one.
/// \throws NumericalError when `start` is zero or not finite.
template <class Scalar, class Space>
void start_vector(Context<Space> const& context, DistributedView<Scalar, Space> const& u,
                  std::type_identity_t<VectorView<Scalar const, Space>> const& start,
                  std::uint64_t seed) {
  if (start.size() == 0)
    fill_normal(context, u, philox(seed, Stream::start));
  else
    linalg::copy(context, start, u);
  double const length = normalize(context, u);
  require<NumericalError>(std::isfinite(length) && length > 0,
                          "the start vector is zero or not finite; give another or none");
}

/// amount/|scale|, and 0 where both are 0: the residual of an eigenvalue 0 found exactly.
inline double relative(double amount, double scale) {
  if (amount == 0) return 0;
  return scale == 0 ? std::numeric_limits<double>::infinity() : amount / std::fabs(scale);
}

}  // namespace kyrtos::curvature::detail
