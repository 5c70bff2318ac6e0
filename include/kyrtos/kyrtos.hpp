// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

/// \file
/// \brief All that a program needs to train a Transformer on its own data and to follow curvature.
///
/// Each header can also be included by itself; README.md has a first program.

#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/power_iteration.hpp>
#include <kyrtos/curvature/restricted_operator.hpp>
#include <kyrtos/curvature/spectral_density.hpp>
#include <kyrtos/curvature/trace.hpp>
#include <kyrtos/curvature/tracker.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/model/objective.hpp>
#include <kyrtos/optim/adamw.hpp>
#include <kyrtos/optim/muon.hpp>
#include <kyrtos/optim/sgd.hpp>
#include <kyrtos/train/run_training.hpp>
#include <kyrtos/train/trainer.hpp>
