// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/tracker.hpp>
#include <kyrtos/kyrtos.h>

kyrtos::curvature::StabilityThreshold threshold_of_host() {
  return kyrtos::curvature::StabilityThreshold::sgd();
}
