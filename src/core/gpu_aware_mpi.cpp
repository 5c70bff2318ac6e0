// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/gpu_aware_mpi.hpp>
#include <kyrtos/core/kokkos_compat.hpp>

#include <mpi.h>

#include <cstdlib>
#include <string_view>
#if __has_include(<mpi-ext.h>)
#include <mpi-ext.h>
#endif

namespace kyrtos {

namespace {

bool is_set(char const* name) {
  char const* const value = std::getenv(name);
  return value != nullptr && std::string_view(value) == "1";
}

}  // namespace

bool mpi_says_gpu_aware() {
  bool says = is_set("MPICH_GPU_SUPPORT_ENABLED") || is_set("MPIR_CVAR_ENABLE_GPU");
#if defined(MPIX_CUDA_AWARE_SUPPORT)
  if (compat::backend_is_cuda) says = says || MPIX_Query_cuda_support() == 1;
#endif
#if defined(MPIX_ROCM_AWARE_SUPPORT)
  if (compat::backend_is_hip) says = says || MPIX_Query_rocm_support() == 1;
#endif
  return says;
}

}  // namespace kyrtos
