// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <functional>

namespace kyrtos {

/// Asked in the midst of long work, by all ranks at the same points, and with the same answer for
/// all of them: true cuts the work short.
using Interruption = std::function<bool()>;

inline bool never_interrupted() {
  return false;
}

}  // namespace kyrtos
