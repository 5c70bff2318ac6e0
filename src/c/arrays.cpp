// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "arrays.hpp"

#include <kyrtos/linalg/vector_operations.hpp>

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

namespace kyrtos::c {

namespace {

/// Where element `i`, counted with the last index fastest, lies in a strided array.
struct Positions {
  Index extents[KYRTOS_MAX_RANK] = {1, 1, 1, 1};
  Index strides[KYRTOS_MAX_RANK] = {};

  explicit Positions(kyrtos_array const& array) {
    Index contiguous = 1;
    bool const given = !is_contiguous(array);
    for (auto i = static_cast<int>(array.rank) - 1; i >= 0; --i) {
      extents[i] = array.extents[i];
      strides[i] = given ? array.strides[i] : contiguous;
      contiguous *= array.extents[i];
    }
  }

  KOKKOS_FUNCTION Index operator()(Index i) const {
    Index offset = 0;
    for (int axis = KYRTOS_MAX_RANK - 1; axis >= 0; --axis) {
      offset += i % extents[axis] * strides[axis];
      i /= extents[axis];
    }
    return offset;
  }
};

/// work(T*) for the array's element type.
template <class Work>
void with_elements(kyrtos_array const& array, Work const& work) {
  switch (array.type) {
    case KYRTOS_FLOAT32:
      return work(static_cast<float*>(array.data));
    case KYRTOS_FLOAT64:
      return work(static_cast<double*>(array.data));
    case KYRTOS_INT32:
      return work(static_cast<std::int32_t*>(array.data));
    case KYRTOS_INT64:
      return work(static_cast<std::int64_t*>(array.data));
  }
}

template <class T>
void check_kind(kyrtos_array const& array) {
  if (is_real(array.type) == std::is_floating_point_v<T>) return;
  throw ShapeError(std::is_floating_point_v<T>
                       ? "an array of real numbers is needed, but this one's type is an integer"
                       : "an array of tokens is needed, but this one's type is not an integer");
}

/// An integer beyond those of tokens stays beyond: cut off it could become one.
template <class To, class From>
KOKKOS_INLINE_FUNCTION To converted(From value) {
  if constexpr (sizeof(From) > sizeof(To) && std::is_integral_v<To>) {
    if (value > From(0x7fffffff)) return To(0x7fffffff);
    if (value < 0) return To(-1);
  }
  return static_cast<To>(value);
}

template <class To, class From>
void read_in_place(Context<Space> const& context, From const* from, Positions const& position,
                   VectorView<To, Space> to) {
  linalg::detail::for_each(
      context, "kyrtos::c::gather", static_cast<Index>(to.size()),
      KOKKOS_LAMBDA(Index i) { to(i) = converted<To>(from[position(i)]); });
}

template <class To, class From>
void write_in_place(Context<Space> const& context, VectorView<From const, Space> from,
                    Positions const& position, To* to) {
  linalg::detail::for_each(
      context, "kyrtos::c::scatter", static_cast<Index>(from.size()),
      KOKKOS_LAMBDA(Index i) { to[position(i)] = static_cast<To>(from(i)); });
}

template <class T>
auto make_staging(std::size_t size) {
  return Kokkos::View<T*, Kokkos::LayoutRight, Kokkos::HostSpace>(
      Kokkos::view_alloc(Kokkos::WithoutInitializing, "kyrtos::c::staging"), size);
}

}  // namespace

bool is_contiguous(kyrtos_array const& array) {
  Index contiguous = 1;
  bool none = true, same = true;
  for (auto i = array.rank - 1; i >= 0; --i) {
    none = none && array.strides[i] == 0;
    same = same && (array.strides[i] == contiguous || array.extents[i] == 1);
    contiguous *= array.extents[i];
  }
  return none || same;
}

void check_array(kyrtos_array const& array, Expected const& expected) {
  auto const name = std::string(expected.name);
  auto const count = static_cast<Index>(expected.extents.size());
  if (array.type < KYRTOS_FLOAT32 || array.type > KYRTOS_INT64)
    throw Failure(KYRTOS_ERROR_ARGUMENT, name + ": its type is none of kyrtos_type");
  if (array.memory != KYRTOS_HOST && array.memory != KYRTOS_DEVICE)
    throw Failure(KYRTOS_ERROR_ARGUMENT, name + ": its memory is none of kyrtos_memory");
  bool const fits = array.rank == count &&
                    std::equal(expected.extents.begin(), expected.extents.end(), array.extents);
  if (!fits) {
    auto const rank = std::clamp<Index>(array.rank, 0, KYRTOS_MAX_RANK);
    throw ShapeError(fmt::format("{}: has {} dimensions and extents [{}], but needs [{}]", name,
                                 array.rank, fmt::join(array.extents, array.extents + rank, ", "),
                                 fmt::join(expected.extents, ", ")));
  }
  if (array.data == nullptr && count_elements(expected.extents) > 0)
    throw Failure(KYRTOS_ERROR_ARGUMENT, name + ": its data are NULL");
}

template <class T>
void gather(Context<Space> const& context, kyrtos_array const& array, VectorView<T, Space> to) {
  check_kind<T>(array);
  Positions const position(array);
  with_elements(array, [&](auto const* from) {
    if (is_reachable(array)) return read_in_place(context, from, position, to);
    auto const staging = make_staging<T>(to.size());
    for (std::size_t i = 0; i < staging.size(); ++i)
      staging(i) = converted<T>(from[position(static_cast<Index>(i))]);
    Kokkos::deep_copy(context.space(), to, staging);
    context.fence("kyrtos::c::gather");
  });
}

template <class T>
void scatter(Context<Space> const& context, VectorView<T const, Space> from,
             kyrtos_array const& array) {
  check_kind<T>(array);
  Positions const position(array);
  with_elements(array, [&](auto* to) {
    using To = std::remove_pointer_t<decltype(to)>;
    if (is_reachable(array)) {
      write_in_place(context, from, position, to);
      return context.fence("kyrtos::c::scatter");
    }
    auto const staging = make_staging<T>(from.size());
    Kokkos::deep_copy(context.space(), staging, from);
    context.fence("kyrtos::c::scatter");
    for (std::size_t i = 0; i < staging.size(); ++i)
      to[position(static_cast<Index>(i))] = static_cast<To>(staging(i));
  });
}

template void gather<float>(Context<Space> const&, kyrtos_array const&, VectorView<float, Space>);
template void gather<double>(Context<Space> const&, kyrtos_array const&, VectorView<double, Space>);
template void gather<Token>(Context<Space> const&, kyrtos_array const&, VectorView<Token, Space>);
template void scatter<float>(Context<Space> const&, VectorView<float const, Space>,
                             kyrtos_array const&);
template void scatter<double>(Context<Space> const&, VectorView<double const, Space>,
                              kyrtos_array const&);

}  // namespace kyrtos::c
