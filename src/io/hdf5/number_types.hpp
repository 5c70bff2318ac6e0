// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <bit>
#include <cstdint>

/// \file
/// \brief Half precision and bfloat16 as bits, by integer arithmetic alone: every NaN keeps what
/// of its payload fits, and nothing depends on the CPU's rounding mode.

namespace kyrtos::io {

/// The upper half of a float32's bits.
inline float from_bfloat16(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
}

/// Rounded to nearest, ties to even.
inline std::uint16_t to_bfloat16(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value);
  auto const upper = static_cast<std::uint16_t>(bits >> 16);
  bool const is_nan = (bits & 0x7FFFFFFF) > 0x7F800000;
  // A carry must not make a NaN an infinity or a zero; one whose payload does not fit stays a NaN.
  if (is_nan) return (upper & 0x7F) != 0 ? upper : static_cast<std::uint16_t>(upper | 1);
  return static_cast<std::uint16_t>((bits + 0x7FFF + (upper & 1)) >> 16);
}

/// Sign, 5 bits of exponent e (bias 15), 10 of fraction f: (1 + f/2¹⁰)·2^(e − 15), f·2⁻²⁴ for e =
/// 0.
inline float from_float16(std::uint16_t bits) {
  std::uint32_t const sign = static_cast<std::uint32_t>(bits & 0x8000) << 16;
  std::uint32_t const exponent = (bits >> 10) & 0x1F, fraction = bits & 0x3FF;
  if (exponent == 0x1F) return std::bit_cast<float>(sign | 0x7F800000 | fraction << 13);
  if (exponent != 0) return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
  auto const magnitude = static_cast<float>(fraction) * 0x1p-24F;  // exact
  return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
}

/// Rounded to nearest, ties to even; to infinity from 65520 on.
inline std::uint16_t to_float16(float value) {
  auto const bits = std::bit_cast<std::uint32_t>(value);
  auto const sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000);
  std::uint32_t const magnitude = bits & 0x7FFFFFFF;
  auto const with_sign = [sign](std::uint32_t half) {
    return static_cast<std::uint16_t>(sign | half);
  };
  if (magnitude > 0x7F800000) {
    std::uint32_t const payload = (magnitude >> 13) & 0x3FF;
    return with_sign(0x7C00 | (payload != 0 ? payload : 1));
  }
  if (magnitude >= 0x477FF000) return with_sign(0x7C00);  // 65520
  // The bits below the half's last one: 13 of them, and more where the half is subnormal.
  std::uint32_t const exponent = magnitude >> 23;
  if (exponent < 102) return with_sign(0);  // less than 2⁻²⁵, half of the least one
  bool const is_normal = exponent >= 113;
  std::uint32_t const dropped = is_normal ? 13 : 126 - exponent;
  std::uint32_t const significand =
      is_normal ? magnitude - (std::uint32_t{112} << 23) : (magnitude & 0x7FFFFF) | 0x800000;
  std::uint32_t const kept = significand >> dropped;
  std::uint32_t const rest = significand & ((std::uint32_t{1} << dropped) - 1);
  std::uint32_t const tie = std::uint32_t{1} << (dropped - 1);
  bool const up = rest > tie || (rest == tie && (kept & 1) != 0);
  return with_sign(kept + (up ? 1 : 0));
}

}  // namespace kyrtos::io
