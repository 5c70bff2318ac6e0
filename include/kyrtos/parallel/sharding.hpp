// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace kyrtos::parallel {

/// Which vectors of the parameters' length are split over the ranks of a data-parallel training.
enum class Sharding {
  none,       ///< Every rank holds all of them whole.
  optimizer,  ///< Gradient, moments, tracked direction and its image are split; θ is whole too.
  full,       ///< These and θ, whose parts are gathered just ahead of their use.
};

}  // namespace kyrtos::parallel
