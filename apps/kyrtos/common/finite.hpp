// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/parameter_layout.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <string>

namespace kyrtos::program {

/// The first value that is NaN or infinite; the size where all are finite. Waits for the instance.
template <class Scalar, class Space>
Index first_not_finite(Context<Space> const& context, VectorView<Scalar const, Space> values) {
  auto const size = static_cast<Index>(values.size());
  Index first = size;
  Kokkos::parallel_reduce(
      "kyrtos::first_not_finite",
      Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>(context.space(), 0, size),
      KOKKOS_LAMBDA(Index i, Index & least) {
        if (!math::isfinite(values(i)) && i < least) least = i;
      },
      Kokkos::Min<Index>(first));
  return std::min(first, size);
}

/// \param what of which file, for instance `run/x.h5: parameters`.
/// \throws NumericalError naming the segment of a value that is NaN or infinite, and the fix.
template <class Scalar, class Space>
void require_finite(Context<Space> const& context, ParameterLayout const& layout,
                    VectorView<Scalar const, Space> values, std::string const& what,
                    std::string const& fix) {
  Index const at = first_not_finite<Scalar, Space>(context, values);
  if (at >= static_cast<Index>(values.size())) return;
  for (auto const& segment : layout.segments())
    if (at < segment.offset + segment.size)
      throw NumericalError(fmt::format("{}: '{}' holds NaN or an infinity, first at element {}; {}",
                                       what, segment.name, at - segment.offset, fix));
}

}  // namespace kyrtos::program
