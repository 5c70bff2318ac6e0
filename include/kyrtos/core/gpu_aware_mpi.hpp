// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

namespace kyrtos {

/// For what MPI is given device memory; all else goes through host memory. No question on a host.
enum class GpuAwareMpi {
  off,     ///< For nothing: what every MPI can do.
  copies,  ///< Where it only copies.
  on,      ///< Also where it adds.
};

/// What a collective call does with memory.
enum class MpiWork {
  copies,        ///< MPI_Iallgather, MPI_Igatherv, MPI_Iscatterv, MPI_Ibcast
  sums,          ///< MPI_Iallreduce, MPI_Ireduce_scatter_block
  ordered_sums,  ///< MPI_Alltoall(v), MPI_Allgatherv around sums that the host makes
};

/// Whether a call is given device memory. That a library calls itself GPU-aware does not count:
/// Open MPI does, and ends with a segmentation fault when a nonblocking reduction has device memory
/// (open-mpi/ompi, issues 9845 and 12045); without UCX its manual lists no nonblocking collective
/// call as one that works. `kyrtos info --check-mpi-gpu` tries them.
constexpr bool gives_device_memory(GpuAwareMpi choice, MpiWork work) {
  if (work == MpiWork::copies) return choice != GpuAwareMpi::off;
  return work == MpiWork::sums && choice == GpuAwareMpi::on;
}

/// Whether the MPI library says, at run time, that it reads and writes device memory: Open MPI by
/// MPIX_Query_cuda_support() and MPIX_Query_rocm_support(), MPICH and those made of it by
/// MPICH_GPU_SUPPORT_ENABLED=1 or MPIR_CVAR_ENABLE_GPU=1 in the environment. A library that does
/// not say counts as one that doesn't.
bool mpi_says_gpu_aware();

}  // namespace kyrtos
