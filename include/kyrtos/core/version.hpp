// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace kyrtos {

/// The version of the library that was linked, for instance `0.1.0`.
char const* version();

}  // namespace kyrtos
