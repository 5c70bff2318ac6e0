// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/kokkos_compat.hpp>

namespace kyrtos::layers::attention {

/// What differs by backend in the attention kernels. `tile_lanes` is the extent of the
/// resident tile (queries or keys, see score_tile.hpp), `tile_rows` that of the tiles that stream
/// past it; both are multiples of the register block's.
///
/// Devices: 64 threads fill a 32 × 32 tile, a row of a block being one word of 16 bytes. With that
/// no kernel spills registers on sm_80 and sm_90 (docs/results/gpu_builds.md). Not tuned on any
/// device yet.
template <class Scalar, class Space, bool OnHost = compat::runs_on_host<Space>>
struct AttentionTraits {
  static constexpr int block_rows = 4, block_lanes = 16 / sizeof(Scalar);
  static constexpr int tile_rows = 32, tile_lanes = 32;
  static constexpr int team_size = 8, vector_length = 8;
  using LaunchBounds = Kokkos::LaunchBounds<64, 1>;

  /// Whether a backward pass may be one kernel whose teams work all tiles of a head each, instead
  /// of one for dK and dV and one for dQ: fewer FLOPs, but only batch × key heads teams.
  static constexpr bool fused_backward = false;
  /// Whether head sizes 32, 64 and 128 have kernels of their own.
  static constexpr bool constant_head_sizes = true;
};

/// CPUs: one thread a team. The block fills 16 of AVX-512's 32 registers (8 × 2 vectors of 16
/// floats, 4 × 4 vectors of 8 doubles); lanes of 32 because gcc unrolls shorter loops before it
/// could vectorise them.
///
/// `laboratory_attention` on two cores of a Xeon with AVX-512, float32, 2026-11-25, share of the
/// products' rate in the forward, tangent forward, backward and tangent backward pass: at 4096
/// tokens 58, 74, 71, 74 %, at 256 tokens 36, 48, 46, 50 %. Tiles of 64 × 128 reach 59, 78, 76,
/// 78 % and 36, 48, 47, 49 % there, for twice the scratch; 32 × 64 are best in the tangent backward
/// pass alone (79, 51 %); 128 × 64 and blocks of 4 rows gain in none.
template <class Scalar, class Space>
struct AttentionTraits<Scalar, Space, true> {
  static constexpr int block_rows = sizeof(Scalar) == 4 ? 8 : 4, block_lanes = 32;
  static constexpr int tile_rows = 64, tile_lanes = 64;
  static constexpr int team_size = 1, vector_length = 1;
  using LaunchBounds = Kokkos::LaunchBounds<>;
  static constexpr bool fused_backward = true;
  static constexpr bool constant_head_sizes = true;
};

}  // namespace kyrtos::layers::attention
