// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/kokkos_compat.hpp>

#include <cstdint>
#include <utility>

/// \file
/// \brief The integer, view and shape types that every room uses.
///
/// Names ending in `View` do not own their memory and are as cheap to copy as a pointer;
/// `Vector` and `Matrix` own theirs. Matrices are row-major (LayoutRight, no padding) on every
/// backend, one row a token, so that a matrix is also a slice of a flat vector. (But
/// strided_matrix(), which products of matrices take too.)

namespace kyrtos {

/// Signed 64-bit: extents and offsets of parameter vectors exceed 2^31.
using Index = std::int64_t;

/// Token identifiers. Negative targets are ignored by the loss.
using Token = std::int32_t;

using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;

template <class T, class Space>
using VectorView = Kokkos::View<T*, Kokkos::LayoutRight, compat::DeviceMemory<Space>, Unmanaged>;

template <class T, class Space>
using MatrixView = Kokkos::View<T**, Kokkos::LayoutRight, compat::DeviceMemory<Space>, Unmanaged>;

template <class T, class Space>
using Vector = Kokkos::View<T*, Kokkos::LayoutRight, compat::DeviceMemory<Space>>;

template <class T, class Space>
using Matrix = Kokkos::View<T**, Kokkos::LayoutRight, compat::DeviceMemory<Space>>;

/// `batch` sequences of `length` tokens each; token (b, t) is row b·length + t of a matrix.
struct SequenceShape {
  Index batch = 0;
  Index length = 0;

  KOKKOS_INLINE_FUNCTION constexpr Index tokens() const { return batch * length; }
  friend constexpr bool operator==(SequenceShape const&, SequenceShape const&) = default;
};

/// Elements [begin, begin + size) of a vector, without a copy.
template <class T, class... Properties>
auto slice(Kokkos::View<T*, Properties...> const& v, Index begin, Index size) {
  using Space = typename Kokkos::View<T*, Properties...>::memory_space;
  return VectorView<T, Space>(v.data() + begin, static_cast<std::size_t>(size));
}

/// `rows`·`columns` elements of a vector, from `begin` on, seen as a row-major matrix.
template <class T, class... Properties>
auto as_matrix(Kokkos::View<T*, Properties...> const& v, Index begin, Index rows, Index columns) {
  using Space = typename Kokkos::View<T*, Properties...>::memory_space;
  return MatrixView<T, Space>(v.data() + begin, static_cast<std::size_t>(rows),
                              static_cast<std::size_t>(columns));
}

/// Rows [begin, begin + rows) of a matrix, without a copy.
template <class T, class... Properties>
auto rows_of(Kokkos::View<T**, Properties...> const& m, Index begin, Index rows) {
  using Space = typename Kokkos::View<T**, Properties...>::memory_space;
  return MatrixView<T, Space>(m.data() + begin * static_cast<Index>(m.extent(1)),
                              static_cast<std::size_t>(rows), m.extent(1));
}

/// A row-major matrix whose rows are `stride` elements apart, for memory of a layer's own.
template <class T, class Space>
MatrixView<T, Space> strided_matrix(T* data, Index rows, Index columns, Index stride) {
  MatrixView<T, Space> const all(data, static_cast<std::size_t>(rows),
                                 static_cast<std::size_t>(stride));
  return Kokkos::subview(all, Kokkos::ALL(),
                         std::pair<std::size_t, std::size_t>(0, static_cast<std::size_t>(columns)));
}

/// All elements of a row-major matrix as one vector.
template <class T, class... Properties>
auto flat(Kokkos::View<T**, Properties...> const& m) {
  using Space = typename Kokkos::View<T**, Properties...>::memory_space;
  return VectorView<T, Space>(m.data(), m.size());
}

}  // namespace kyrtos
