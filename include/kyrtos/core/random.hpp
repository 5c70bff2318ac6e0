// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/fast_math.hpp>
#include <kyrtos/core/kokkos_compat.hpp>

#include <cstdint>

/// \file
/// \brief Counter-based random numbers: a value is a function of (seed, stream, index) alone.
///
/// So results depend neither on the number of ranks and threads nor on the order of calls, and a
/// restart needs no generator state. Philox-4x32-10 of Salmon, Moraes, Dror and Shaw, "Parallel
/// random numbers: as easy as 1, 2, 3", SC 2011.

namespace kyrtos {

struct Philox {
  std::uint64_t seed = 0;
  /// What the numbers are for; streams of one seed are independent.
  std::uint64_t stream = 0;

  struct Block {
    std::uint32_t word[4];
  };

  KOKKOS_INLINE_FUNCTION Block block(std::uint64_t index) const {
    constexpr std::uint64_t multiplier0 = 0xD2511F53u, multiplier1 = 0xCD9E8D57u;
    Block c{{static_cast<std::uint32_t>(index), static_cast<std::uint32_t>(index >> 32),
             static_cast<std::uint32_t>(stream), static_cast<std::uint32_t>(stream >> 32)}};
    auto key0 = static_cast<std::uint32_t>(seed), key1 = static_cast<std::uint32_t>(seed >> 32);
    for (int round = 0; round < 10; ++round) {
      std::uint64_t const p0 = multiplier0 * c.word[0], p1 = multiplier1 * c.word[2];
      c = {{static_cast<std::uint32_t>(p1 >> 32) ^ c.word[1] ^ key0, static_cast<std::uint32_t>(p1),
            static_cast<std::uint32_t>(p0 >> 32) ^ c.word[3] ^ key1,
            static_cast<std::uint32_t>(p0)}};
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
    return c;
  }

  KOKKOS_INLINE_FUNCTION std::uint64_t bits(std::uint64_t index) const {
    Block const b = block(index);
    return (static_cast<std::uint64_t>(b.word[1]) << 32) | b.word[0];
  }

  /// Uniform in the open interval (0, 1).
  KOKKOS_INLINE_FUNCTION double uniform(std::uint64_t index) const {
    return (static_cast<double>(bits(index) >> 11) + 0.5) * 0x1.0p-53;
  }

  /// Standard normal, by Box and Muller's transform of one block.
  KOKKOS_INLINE_FUNCTION double normal(std::uint64_t index) const {
    Block const b = block(index);
    double const u = (static_cast<double>(b.word[0]) + 0.5) * 0x1.0p-32;
    double const v = (static_cast<double>(b.word[1]) + 0.5) * 0x1.0p-32;
    return math::sqrt(-2.0 * fast::log(u)) * fast::cos_turn(v);
  }

  /// -1 or +1 with equal probability.
  KOKKOS_INLINE_FUNCTION double sign(std::uint64_t index) const {
    return (block(index).word[0] & 1u) != 0 ? 1.0 : -1.0;
  }
};

}  // namespace kyrtos
