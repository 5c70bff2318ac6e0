// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "../common/progress.hpp"
#include "../common/stored_model.hpp"
#include "result.hpp"

namespace kyrtos::program {

/// Measures what the options, with nothing absent from them, ask for. Collective; the same result
/// on every rank. \throws Error
template <class Scalar>
CurvatureResult measure(Context<Space> const& context, StoredModel<Scalar> const& stored,
                        CurvatureOptions const& options, Progress& progress);

}  // namespace kyrtos::program
