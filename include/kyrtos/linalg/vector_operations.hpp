// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/distributed_view.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/detail/chunk_sums.hpp>

#include <algorithm>
#include <span>

/// \file
/// \brief Algebra on flat vectors: each reads and writes its vectors once, on the context's
/// instance.
///
/// Reductions are deterministic: the vector is cut into chunks whose number does not depend on
/// threads, each chunk is summed in a fixed order in double precision, and then the chunk sums are.
/// They wait for the instance and return to the host; everything else is asynchronous.
///
/// Arguments are views, or DistributedViews: a sum over a vector that is split over ranks is
/// collective, and the same on all of them.

namespace kyrtos::linalg {

namespace detail {

/// What was summed over this rank's elements of `v`, summed over all of `v`.
template <class Space, class V>
void sum_over_ranks(Context<Space> const& context, [[maybe_unused]] V const& v,
                    [[maybe_unused]] std::span<double> sums) {
  if constexpr (requires { v.partition(); })
    if (v.partition() != nullptr) context.communicator().sum(sums);
}

/// [0, n) in chunks of one length.
struct EqualChunk {
  Index length, n;

  KOKKOS_INLINE_FUNCTION Chunk operator()(Index chunk) const {
    Index const end = (chunk + 1) * length;
    return {chunk * length < n ? chunk * length : n, end < n ? end : n};
  }
};

/// Σᵢ term(i) for i in [0, n), in an order fixed by n alone.
template <class Space, class Term>
double ordered_sum(Context<Space> const& context, char const* label, Index n, Term const& term) {
  constexpr Index shortest_chunk = 1024;
  Index const chunks =
      std::clamp<Index>(n / shortest_chunk, 1, Context<Space>::reduction_buffer_size);
  Index const length = (n + chunks - 1) / chunks;
  sum_chunks<1>(
      context, label, chunks, EqualChunk{length, n},
      KOKKOS_LAMBDA(Index i)->Terms<1> { return {{term(i)}}; });
  double total = 0;
  auto const sums = context.reduced(chunks, label);
  for (Index chunk = 0; chunk < chunks; ++chunk) total += sums(chunk);
  return total;
}

template <class Space, class Body>
void for_each(Context<Space> const& context, char const* label, Index n, Body const& body) {
  using Range = Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>;
  Kokkos::parallel_for(label, Range(context.space(), 0, n), body);
}

template <class X, class Y>
Index common_size(X const& x, Y const& y, char const* name) {
  if (x.size() != y.size())
    throw ShapeError(std::string(name) + ": vectors of " + std::to_string(x.size()) + " and " +
                     std::to_string(y.size()) + " elements");
  return static_cast<Index>(x.size());
}

}  // namespace detail

/// Σᵢ xᵢ
template <class Space, class X>
double sum(Context<Space> const& context, X const& x) {
  double total = detail::ordered_sum(
      context, "kyrtos::linalg::sum", static_cast<Index>(x.size()),
      KOKKOS_LAMBDA(Index i) { return static_cast<double>(x(i)); });
  detail::sum_over_ranks(context, x, std::span(&total, 1));
  return total;
}

/// ⟨x, y⟩
template <class Space, class X, class Y>
double dot(Context<Space> const& context, X const& x, Y const& y) {
  Index const n = detail::common_size(x, y, "dot");
  double total = detail::ordered_sum(
      context, "kyrtos::linalg::dot", n,
      KOKKOS_LAMBDA(Index i) { return static_cast<double>(x(i)) * static_cast<double>(y(i)); });
  detail::sum_over_ranks(context, x, std::span(&total, 1));
  return total;
}

/// ‖x‖₂
template <class Space, class X>
double norm(Context<Space> const& context, X const& x) {
  return std::sqrt(dot(context, x, x));
}

/// y ← αx + βy; with β = 0 the old y is not read.
template <class Space, class X, class Y>
void axpby(Context<Space> const& context, double alpha, X const& x, double beta, Y const& y) {
  using Scalar = typename Y::non_const_value_type;
  Index const n = detail::common_size(x, y, "axpby");
  auto const a = static_cast<Scalar>(alpha), b = static_cast<Scalar>(beta);
  if (beta == 0)
    detail::for_each(
        context, "kyrtos::linalg::axpby", n, KOKKOS_LAMBDA(Index i) { y(i) = a * x(i); });
  else
    detail::for_each(
        context, "kyrtos::linalg::axpby", n,
        KOKKOS_LAMBDA(Index i) { y(i) = a * x(i) + b * y(i); });
}

/// y ← y + αx
template <class Space, class X, class Y>
void axpy(Context<Space> const& context, double alpha, X const& x, Y const& y) {
  axpby(context, alpha, x, 1.0, y);
}

/// x ← αx
template <class Space, class X>
void scale(Context<Space> const& context, double alpha, X const& x) {
  using Scalar = typename X::non_const_value_type;
  auto const a = static_cast<Scalar>(alpha);
  detail::for_each(
      context, "kyrtos::linalg::scale", static_cast<Index>(x.size()),
      KOKKOS_LAMBDA(Index i) { x(i) *= a; });
}

/// y ← x, also between precisions.
template <class Space, class X, class Y>
void copy(Context<Space> const& context, X const& x, Y const& y) {
  using Scalar = typename Y::non_const_value_type;
  Index const n = detail::common_size(x, y, "copy");
  detail::for_each(
      context, "kyrtos::linalg::copy", n,
      KOKKOS_LAMBDA(Index i) { y(i) = static_cast<Scalar>(x(i)); });
}

template <class Space, class X>
void fill(Context<Space> const& context, X const& x, double value) {
  using Scalar = typename X::non_const_value_type;
  auto const v = static_cast<Scalar>(value);
  detail::for_each(
      context, "kyrtos::linalg::fill", static_cast<Index>(x.size()),
      KOKKOS_LAMBDA(Index i) { x(i) = v; });
}

/// y ← d ∘ x (elementwise)
template <class Space, class D, class X, class Y>
void multiply(Context<Space> const& context, D const& d, X const& x, Y const& y) {
  detail::common_size(d, x, "multiply");
  Index const n = detail::common_size(x, y, "multiply");
  detail::for_each(
      context, "kyrtos::linalg::multiply", n, KOKKOS_LAMBDA(Index i) { y(i) = d(i) * x(i); });
}

}  // namespace kyrtos::linalg
