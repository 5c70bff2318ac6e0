// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace kyrtos {

/// Whether the MPI library says, at run time, that it reads and writes device memory: Open MPI by
/// MPIX_Query_cuda_support() and MPIX_Query_rocm_support(), MPICH and those made of it by
/// MPICH_GPU_SUPPORT_ENABLED=1 or MPIR_CVAR_ENABLE_GPU=1 in the environment. A library that does
/// not say counts as one that doesn't. (`kyrtos info --check-mpi-gpu` tries it.)
bool mpi_says_gpu_aware();

}  // namespace kyrtos
