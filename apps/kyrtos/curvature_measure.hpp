// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "curvature_result.hpp"
#include "progress.hpp"
#include "stored_model.hpp"

namespace kyrtos::program {

/// Measures what the options, with nothing absent from them, ask for. Collective; the same result
/// on every rank. \throws Error
template <class Scalar>
CurvatureResult measure(Context<Space> const& context, StoredModel<Scalar> const& stored,
                        CurvatureOptions const& options, Progress& progress);

}  // namespace kyrtos::program
