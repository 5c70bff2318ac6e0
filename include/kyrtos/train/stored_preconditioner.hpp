// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/curvature/preconditioner.hpp>
#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/train/config.hpp>

namespace kyrtos::train {

/// Adam's P in a checkpoint, of the kind that config.curvature.preconditioner says.
/// \param v takes the second moment, [layout.size()], and must outlive the use of P. Collective.
/// \throws ConfigError where the model was trained by another optimiser; FileError where the file
/// has no second moment, or does not say after how many steps, which the bias correction needs.
template <class Scalar, class Space>
curvature::AdamPreconditioner<Scalar, Space> stored_preconditioner(Context<Space> const& context,
                                                                   io::CheckpointReader const& file,
                                                                   RunConfig const& config,
                                                                   ParameterLayout const& layout,
                                                                   VectorView<Scalar, Space> v);

}  // namespace kyrtos::train
