// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <Kokkos_Macros.hpp>

#include <cstdint>
#include <cstring>

/// \file
/// \brief Numbers of fewer bits than float32, and how a float is rounded to one.

namespace kyrtos::linalg {

/// The upper half of a float: 8 significant bits.
struct Bfloat16 {
  std::uint16_t bits = 0;
};

namespace rounding {

/// The bits of a float, rounded to the nearest, ties to even, where the last `dropped` go. A NaN
/// stays one.
template <int dropped>
KOKKOS_INLINE_FUNCTION std::uint32_t rounded_bits(float x) {
  std::uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  bool const is_nan = (bits & 0x7fffffff) > 0x7f800000;
  std::uint32_t const below_half = (1u << (dropped - 1)) - 1;
  std::uint32_t const nearest = bits + below_half + ((bits >> dropped) & 1);
  return is_nan ? bits | 0x400000 : nearest;
}

}  // namespace rounding

KOKKOS_INLINE_FUNCTION Bfloat16 to_bfloat16(float x) {
  return {static_cast<std::uint16_t>(rounding::rounded_bits<16>(x) >> 16)};
}

/// A float with 13 bits fewer: 11 significant bits.
KOKKOS_INLINE_FUNCTION float to_tf32(float x) {
  std::uint32_t const bits = rounding::rounded_bits<13>(x) & ~0x1fffu;
  float y = 0;
  memcpy(&y, &bits, sizeof y);
  return y;
}

/// Where a kernel writes the rounded elements of a matrix, in bfloat16 or in TF32; empty: nowhere.
struct RoundedRows {
  void* data = nullptr;
  int stride = 0;  ///< Of rows, in elements.
  bool is_bfloat16 = true;

  KOKKOS_INLINE_FUNCTION Bfloat16* in_bfloat16(std::int64_t row) const {
    return static_cast<Bfloat16*>(data) + row * stride;
  }
  KOKKOS_INLINE_FUNCTION float* in_tf32(std::int64_t row) const {
    return static_cast<float*>(data) + row * stride;
  }
  KOKKOS_INLINE_FUNCTION void store(std::int64_t row, std::int64_t column, float x) const {
    if (is_bfloat16)
      in_bfloat16(row)[column] = to_bfloat16(x);
    else
      in_tf32(row)[column] = to_tf32(x);
  }
};

}  // namespace kyrtos::linalg
