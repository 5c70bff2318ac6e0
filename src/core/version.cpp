// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/config.hpp>
#include <kyrtos/core/version.hpp>

namespace kyrtos {

char const* version() {
  return KYRTOS_VERSION_STRING;
}

}  // namespace kyrtos
