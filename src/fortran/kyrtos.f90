! SPDX-FileCopyrightText: 2026 Kyrtos contributors
! SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

!> The Fortran 2008 module over kyrtos.h, which says what everything means.
!>
!> Arrays have C's axes in reverse: tokens (length, sequences), fields (features, length,
!> sequences). Each call ends with a status, kyrtos_ok or one of C's; handle%error() then has the
!> words. A handle has no finaliser: call destroy().
module kyrtos
  use kyrtos_arrays, only: kyrtos_batch, kyrtos_float32, kyrtos_float64, kyrtos_ok
  use kyrtos_interfaces, only: kyrtos_eigenvalue, kyrtos_sharpness, kyrtos_start_kokkos, &
                               kyrtos_step, kyrtos_stop_kokkos, kyrtos_tracker_defaults, &
                               kyrtos_tracker_options
  use kyrtos_models
  use kyrtos_operators
  use kyrtos_trainers
  implicit none
  public
end module
