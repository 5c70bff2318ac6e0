// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "normalization_passes.hpp"

namespace kyrtos::layers::detail {

KYRTOS_INSTANTIATE(kyrtos::layers::detail::Normalization)

}  // namespace kyrtos::layers::detail
