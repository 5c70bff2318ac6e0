// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/context.hpp>
#include <kyrtos/core/fast_math.hpp>

#include <cstdint>
#include <span>
#include <string_view>

/// \file
/// \brief Checksums of a sequence that do not depend on who adds them up.
///
/// With bᵢ the bits of element i as an unsigned integer and f the finaliser of SplitMix64, a
/// bijection of 64-bit words, the checksum is
///
///     Σᵢ f(bᵢ ⊕ (i + 1)γ) mod 2⁶⁴,   γ = 9E3779B97F4A7C15₁₆.
///
/// A sum commutes, so parts may be summed by any threads and ranks. As f is bijective, a change of
/// one element always changes it; any other damage goes unseen with a probability of 2⁻⁶⁴.

namespace kyrtos::io::checksum {

KOKKOS_INLINE_FUNCTION std::uint64_t mix(std::uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

KOKKOS_INLINE_FUNCTION std::uint64_t term(std::uint64_t index, std::uint64_t bits) {
  return mix(bits ^ (index + 1) * 0x9E3779B97F4A7C15u);
}

template <class Scalar>
KOKKOS_INLINE_FUNCTION std::uint64_t bits_of(Scalar value) {
  return fast::detail::bit_cast<typename fast::detail::Format<Scalar>::Bits>(value);
}

/// The terms of the elements from `first` on, which lie where the context's kernels can read them.
/// Waits for the instance.
template <class Scalar, class Space>
std::uint64_t sum(Context<Space> const& context, VectorView<Scalar const, Space> const& values,
                  Index first) {
  std::uint64_t total = 0;
  Kokkos::parallel_reduce(
      "kyrtos::checksum",
      Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>(context.space(), 0,
                                                           static_cast<Index>(values.size())),
      KOKKOS_LAMBDA(Index i, std::uint64_t & partial) {
        partial += term(static_cast<std::uint64_t>(first + i), bits_of(values(i)));
      },
      total);
  return total;
}

/// The same, and a copy of the values in host memory, which where the host can read them costs no
/// second pass. Waits for the instance.
template <class Scalar, class Space, class HostVector>
std::uint64_t sum_and_copy(Context<Space> const& context,
                           VectorView<Scalar const, Space> const& values, Index first,
                           HostVector const& copy) {
  std::uint64_t total = 0;
  if constexpr (compat::is_host_accessible<Space>) {
    Kokkos::parallel_reduce(
        "kyrtos::checksum",
        Kokkos::RangePolicy<Space, Kokkos::IndexType<Index>>(context.space(), 0,
                                                             static_cast<Index>(values.size())),
        KOKKOS_LAMBDA(Index i, std::uint64_t & partial) {
          Scalar const value = values(i);
          copy(i) = value;
          partial += term(static_cast<std::uint64_t>(first + i), bits_of(value));
        },
        total);
  } else {
    Kokkos::deep_copy(context.space(), copy, values);
    total = sum(context, values, first);
  }
  return total;
}

/// The same of values in host memory.
template <class Scalar>
std::uint64_t sum(std::span<Scalar const> values) {
  std::uint64_t total = 0;
  KYRTOS_SIMD_SUM(total)
  for (std::size_t i = 0; i < values.size(); ++i) total += term(i, bits_of(values[i]));
  return total;
}

/// The same of the bytes of a text.
inline std::uint64_t sum(std::string_view text) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < text.size(); ++i)
    total += term(i, static_cast<unsigned char>(text[i]));
  return total;
}

}  // namespace kyrtos::io::checksum
