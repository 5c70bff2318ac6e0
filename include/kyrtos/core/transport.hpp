// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace kyrtos {

/// Who sums and gathers vectors of the parameters' length over ranks. All else is MPI's.
enum class Transport {
  automatic,  ///< NCCL where it can: kernels on devices, a device for each rank, a library found.
  mpi,
  nccl,  ///< NCCL, or RCCL, which has the same interface.
};

}  // namespace kyrtos
