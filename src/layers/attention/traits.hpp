// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/kokkos_compat.hpp>
#include <kyrtos/core/simd.hpp>

namespace kyrtos::layers::attention {

/// What differs by backend in the attention kernels. `tile_lanes` is the extent of the
/// resident tile (queries or keys, see score_tile.hpp), `tile_rows` that of the tiles that stream
/// past it; both are multiples of the register block's.
///
/// Devices: 64 threads fill a 32 × 32 tile, a row of a block being one word of 16 bytes. With that
/// no kernel spills registers on sm_80 and sm_90 (docs/results/gpu_builds.md). Not tuned on any
/// device yet.
template <class Scalar, class Space, bool OnHost = compat::has_teams_of_one<Space>>
struct AttentionTraits {
  static constexpr int block_rows = 4, block_lanes = 16 / sizeof(Scalar), vector_width = 1;
  static constexpr int tile_rows = 32, tile_lanes = 32;
  static constexpr int team_size = 8, vector_length = 8;
  using LaunchBounds = Kokkos::LaunchBounds<64, 1>;

  /// Whether a backward pass may be one kernel whose teams work all tiles of a head each, instead
  /// of one for dK and dV and one for dQ: fewer FLOPs, but only batch × key heads teams.
  static constexpr bool fused_backward = false;
  /// Whether head sizes 32, 64 and 128 have kernels of their own.
  static constexpr bool constant_head_sizes = true;
};

/// CPUs: one thread a team. The block is what the instruction set has registers for, besides two
/// vectors of operands and a broadcast: 12 of 16 (AVX2, SSE2) or 16 of 32 (AVX-512, NEON). More of
/// 32 gain nothing: 14 × 2 and 8 × 3 vectors were slower.
///
/// `laboratory_attention` on two cores of an EPYC (Zen 4), float32, 2026-11-30, share of the
/// products' rate in the forward, tangent forward, backward and tangent backward pass, at 256
/// tokens with AVX-512: tiles of 64 × 64 floats 52, 64, 67, 70 %, of 64 × 128 59, 64, 65, 70 %; at
/// 4096 80, 78, 76, 82 % and 82, 81, 79, 82 %. With AVX2 tiles of 66 × 64 reach 48, 58, 55, 60 %
/// and 70, 74, 75, 77 %; those of 66 × 128 would add 2 to 5 %, but fill an L2 of 512 KiB (Zen 3).
template <class Scalar, class Space>
struct AttentionTraits<Scalar, Space, true> {
  static constexpr int vector_width = simd::native_width<Scalar>;
  static constexpr bool many_registers = simd::registers >= 32;
  static constexpr int block_rows = many_registers ? 8 : 6, block_lanes = 2 * vector_width;
  static constexpr int tile_rows = many_registers ? 64 : 66;
  static constexpr int tile_lanes = simd::register_bytes == 64 ? 512 / sizeof(Scalar) : 64;
  static constexpr int team_size = 1, vector_length = 1;
  using LaunchBounds = Kokkos::LaunchBounds<>;
  static constexpr bool fused_backward = true;
  static constexpr bool constant_head_sizes = true;
};

}  // namespace kyrtos::layers::attention
