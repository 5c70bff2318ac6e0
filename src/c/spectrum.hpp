// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/tracker.hpp>

#include "operator.hpp"

/// \file
/// \brief Words of curvature in C.

namespace kyrtos::c {

/// \throws Failure for a number that is no such word.
curvature::Spectrum spectrum_of(kyrtos_spectrum spectrum);

kyrtos_sharpness sharpness_of(curvature::SharpnessReport const& report);

}  // namespace kyrtos::c
