! SPDX-FileCopyrightText: 2026 Kyrtos contributors
! SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

!> Contexts and models.
module kyrtos_models
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use mpi_f08, only: MPI_Comm
  use kyrtos_arrays
  use kyrtos_interfaces
  implicit none
  private

  public :: kyrtos_context, kyrtos_model

  type, extends(kyrtos_handle) :: kyrtos_context
  contains
    procedure :: create => context_create
    procedure :: error => context_error
    procedure :: destroy => context_destroy
  end type

  type, extends(kyrtos_handle) :: kyrtos_model
  contains
    procedure :: create => model_create
    procedure :: load => model_load
    procedure :: save => model_save
    procedure :: initialize => model_initialize
    procedure :: size => model_size
    procedure :: loss => model_loss
    procedure, private :: get32, get64, set32, set64, gradient32, gradient64, hvp32, hvp64
    procedure, private :: outputs32, outputs64, field_outputs32, field_outputs64
    generic :: get_parameters => get32, get64
    generic :: set_parameters => set32, set64
    generic :: gradient => gradient32, gradient64
    generic :: hvp => hvp32, hvp64
    generic :: outputs => outputs32, outputs64, field_outputs32, field_outputs64
    procedure :: error => model_error
    procedure :: destroy => model_destroy
  end type

contains

  subroutine context_create(self, communicator, status, stream)
    class(kyrtos_context), intent(inout) :: self
    type(MPI_Comm), intent(in) :: communicator
    integer, intent(out) :: status
    type(c_ptr), intent(in), optional :: stream
    type(c_ptr) :: where
    where = c_null_ptr
    if (present(stream)) where = stream
    call self%destroy()
    status = c_context_create(int(communicator%MPI_VAL, c_int), where, self%c)
  end subroutine

  function context_error(self) result(words)
    class(kyrtos_context), intent(in) :: self
    character(:), allocatable :: words
    words = words_at(c_context_error(self%c))
  end function

  subroutine context_destroy(self)
    class(kyrtos_context), intent(inout) :: self
    call c_context_destroy(self%c)
    self%c = c_null_ptr
  end subroutine

  !> Errors of create() and load() are told by the context.
  subroutine model_create(self, context, config, precision, status)
    class(kyrtos_model), intent(inout) :: self
    type(kyrtos_context), intent(in) :: context
    character(*), intent(in) :: config
    integer(c_int), intent(in) :: precision
    integer, intent(out) :: status
    call self%destroy()
    status = c_model_create(context%c, config//c_null_char, precision, self%c)
  end subroutine

  subroutine model_load(self, context, path, precision, status)
    class(kyrtos_model), intent(inout) :: self
    type(kyrtos_context), intent(in) :: context
    character(*), intent(in) :: path
    integer(c_int), intent(in) :: precision
    integer, intent(out) :: status
    call self%destroy()
    status = c_model_load(context%c, path//c_null_char, precision, self%c)
  end subroutine

  subroutine model_save(self, path, status)
    class(kyrtos_model), intent(inout) :: self
    character(*), intent(in) :: path
    integer, intent(out) :: status
    status = c_model_save(self%c, path//c_null_char)
  end subroutine

  subroutine model_initialize(self, seed, status)
    class(kyrtos_model), intent(inout) :: self
    integer(int64), intent(in) :: seed
    integer, intent(out) :: status
    status = c_model_initialize(self%c, seed)
  end subroutine

  subroutine model_size(self, size, status)
    class(kyrtos_model), intent(inout) :: self
    integer(int64), intent(out) :: size
    integer, intent(out) :: status
    status = c_model_size(self%c, size)
  end subroutine

  subroutine model_loss(self, batch, loss, status)
    class(kyrtos_model), intent(inout) :: self
    type(kyrtos_batch), intent(in) :: batch
    real(real64), intent(out) :: loss
    integer, intent(out) :: status
    status = c_model_loss(self%c, batch, loss)
  end subroutine

  subroutine get32(self, parameters, status)
    class(kyrtos_model), intent(inout) :: self
    real(real32), intent(inout), contiguous, target :: parameters(:)
    integer, intent(out) :: status
    status = c_model_get_parameters(self%c, vector(parameters))
  end subroutine

  subroutine get64(self, parameters, status)
    class(kyrtos_model), intent(inout) :: self
    real(real64), intent(inout), contiguous, target :: parameters(:)
    integer, intent(out) :: status
    status = c_model_get_parameters(self%c, vector(parameters))
  end subroutine

  subroutine set32(self, parameters, status)
    class(kyrtos_model), intent(inout) :: self
    real(real32), intent(in), contiguous, target :: parameters(:)
    integer, intent(out) :: status
    status = c_model_set_parameters(self%c, vector(parameters))
  end subroutine

  subroutine set64(self, parameters, status)
    class(kyrtos_model), intent(inout) :: self
    real(real64), intent(in), contiguous, target :: parameters(:)
    integer, intent(out) :: status
    status = c_model_set_parameters(self%c, vector(parameters))
  end subroutine

  subroutine gradient32(self, batch, loss, gradient, status)
    class(kyrtos_model), intent(inout) :: self
    type(kyrtos_batch), intent(in) :: batch
    real(real64), intent(out) :: loss
    real(real32), intent(inout), contiguous, target :: gradient(:)
    integer, intent(out) :: status
    status = c_model_gradient(self%c, batch, loss, vector(gradient))
  end subroutine

  subroutine gradient64(self, batch, loss, gradient, status)
    class(kyrtos_model), intent(inout) :: self
    type(kyrtos_batch), intent(in) :: batch
    real(real64), intent(out) :: loss
    real(real64), intent(inout), contiguous, target :: gradient(:)
    integer, intent(out) :: status
    status = c_model_gradient(self%c, batch, loss, vector(gradient))
  end subroutine

  subroutine hvp32(self, batch, u, hu, status)
    class(kyrtos_model), intent(inout) :: self
    type(kyrtos_batch), intent(in) :: batch
    real(real32), intent(in), contiguous, target :: u(:)
    real(real32), intent(inout), contiguous, target :: hu(:)
    integer, intent(out) :: status
    real(real64) :: loss
    status = c_model_hvp(self%c, batch, vector(u), vector(hu), loss, c_null_ptr)
  end subroutine

  subroutine hvp64(self, batch, u, hu, status)
    class(kyrtos_model), intent(inout) :: self
    type(kyrtos_batch), intent(in) :: batch
    real(real64), intent(in), contiguous, target :: u(:)
    real(real64), intent(inout), contiguous, target :: hu(:)
    integer, intent(out) :: status
    real(real64) :: loss
    status = c_model_hvp(self%c, batch, vector(u), vector(hu), loss, c_null_ptr)
  end subroutine

  subroutine outputs32(self, inputs, outputs, status)
    class(kyrtos_model), intent(inout) :: self
    integer(int32), intent(in), contiguous, target :: inputs(:, :)
    real(real32), intent(inout), contiguous, target :: outputs(:, :, :)
    integer, intent(out) :: status
    status = c_model_outputs(self%c, array_at(c_loc(inputs), kyrtos_int32, shape(inputs)), &
                             array_at(c_loc(outputs), kyrtos_float32, shape(outputs)))
  end subroutine

  subroutine outputs64(self, inputs, outputs, status)
    class(kyrtos_model), intent(inout) :: self
    integer(int32), intent(in), contiguous, target :: inputs(:, :)
    real(real64), intent(inout), contiguous, target :: outputs(:, :, :)
    integer, intent(out) :: status
    status = c_model_outputs(self%c, array_at(c_loc(inputs), kyrtos_int32, shape(inputs)), &
                             array_at(c_loc(outputs), kyrtos_float64, shape(outputs)))
  end subroutine

  subroutine field_outputs32(self, inputs, outputs, status)
    class(kyrtos_model), intent(inout) :: self
    real(real32), intent(in), contiguous, target :: inputs(:, :, :)
    real(real32), intent(inout), contiguous, target :: outputs(:, :, :)
    integer, intent(out) :: status
    status = c_model_outputs(self%c, array_at(c_loc(inputs), kyrtos_float32, shape(inputs)), &
                             array_at(c_loc(outputs), kyrtos_float32, shape(outputs)))
  end subroutine

  subroutine field_outputs64(self, inputs, outputs, status)
    class(kyrtos_model), intent(inout) :: self
    real(real64), intent(in), contiguous, target :: inputs(:, :, :)
    real(real64), intent(inout), contiguous, target :: outputs(:, :, :)
    integer, intent(out) :: status
    status = c_model_outputs(self%c, array_at(c_loc(inputs), kyrtos_float64, shape(inputs)), &
                             array_at(c_loc(outputs), kyrtos_float64, shape(outputs)))
  end subroutine

  function model_error(self) result(words)
    class(kyrtos_model), intent(in) :: self
    character(:), allocatable :: words
    words = words_at(c_model_error(self%c))
  end function

  subroutine model_destroy(self)
    class(kyrtos_model), intent(inout) :: self
    call c_model_destroy(self%c)
    self%c = c_null_ptr
  end subroutine

end module
