! SPDX-FileCopyrightText: 2026 Kyrtos contributors
! SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

!> Training on batches that are handed over.
module kyrtos_trainers
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use kyrtos_arrays
  use kyrtos_interfaces
  use kyrtos_models
  implicit none
  private

  public :: kyrtos_trainer

  type, extends(kyrtos_handle) :: kyrtos_trainer
  contains
    procedure :: create => trainer_create
    procedure :: watch => trainer_watch
    procedure :: step => trainer_step
    procedure :: save => trainer_save
    procedure :: allow_change => trainer_allow_change
    procedure :: restore => trainer_restore
    procedure :: error => trainer_error
    procedure :: destroy => trainer_destroy
  end type

contains

  !> Errors are told by the model.
  subroutine trainer_create(self, model, status)
    class(kyrtos_trainer), intent(inout) :: self
    type(kyrtos_model), intent(in) :: model
    integer, intent(out) :: status
    call self%destroy()
    status = c_trainer_create(model%c, self%c)
  end subroutine

  subroutine trainer_watch(self, probe, status)
    class(kyrtos_trainer), intent(inout) :: self
    type(kyrtos_batch), intent(in) :: probe
    integer, intent(out) :: status
    status = c_trainer_watch(self%c, probe)
  end subroutine

  subroutine trainer_step(self, batches, learning_rate, report, status)
    class(kyrtos_trainer), intent(inout) :: self
    type(kyrtos_batch), intent(in) :: batches(:)
    real(real64), intent(in) :: learning_rate
    type(kyrtos_step), intent(out) :: report
    integer, intent(out) :: status
    status = c_trainer_step(self%c, batches, size(batches, kind=c_int64_t), learning_rate, report)
  end subroutine

  subroutine trainer_save(self, path, status)
    class(kyrtos_trainer), intent(inout) :: self
    character(*), intent(in) :: path
    integer, intent(out) :: status
    status = c_trainer_save(self%c, path//c_null_char)
  end subroutine

  subroutine trainer_allow_change(self, key, status)
    class(kyrtos_trainer), intent(inout) :: self
    character(*), intent(in) :: key
    integer, intent(out) :: status
    status = c_trainer_allow_change(self%c, key//c_null_char)
  end subroutine

  subroutine trainer_restore(self, path, status)
    class(kyrtos_trainer), intent(inout) :: self
    character(*), intent(in) :: path
    integer, intent(out) :: status
    status = c_trainer_restore(self%c, path//c_null_char)
  end subroutine

  function trainer_error(self) result(words)
    class(kyrtos_trainer), intent(in) :: self
    character(:), allocatable :: words
    words = words_at(c_trainer_error(self%c))
  end function

  subroutine trainer_destroy(self)
    class(kyrtos_trainer), intent(inout) :: self
    call c_trainer_destroy(self%c)
    self%c = c_null_ptr
  end subroutine

end module
