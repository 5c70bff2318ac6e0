! SPDX-FileCopyrightText: 2026 Kyrtos contributors
! SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

!> The caller's arrays and C's words; what all handles share.
module kyrtos_arrays
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use kyrtos_interfaces
  implicit none
  private

  public :: array_at, kyrtos_batch, kyrtos_handle, vector, words_at

  integer(c_int), parameter, public :: kyrtos_ok = 0, kyrtos_float32 = 0, kyrtos_float64 = 1

  type, abstract :: kyrtos_handle
    type(c_ptr) :: c = c_null_ptr  !< For functions of C.
  contains
    procedure(error_of), deferred :: error
    procedure(destroy_of), deferred :: destroy
  end type

  abstract interface
    function error_of(self) result(words)
      import :: kyrtos_handle
      class(kyrtos_handle), intent(in) :: self
      character(:), allocatable :: words
    end function
    subroutine destroy_of(self)
      import :: kyrtos_handle
      class(kyrtos_handle), intent(inout) :: self
    end subroutine
  end interface

  !> batch = kyrtos_batch(inputs, targets): refers to the two arrays, which must live as long.
  interface kyrtos_batch
    procedure :: batch_of_tokens, batch_of_fields32, batch_of_fields64
  end interface

  interface vector
    procedure :: vector32, vector64
  end interface

contains

  pure function array_at(data, kind, extents) result(array)
    type(c_ptr), intent(in) :: data
    integer(c_int), intent(in) :: kind
    integer, intent(in) :: extents(:)
    type(kyrtos_array) :: array
    array%data = data
    array%type = kind
    array%rank = size(extents)
    array%extents(:size(extents)) = extents(size(extents):1:-1)
  end function

  function vector32(x) result(array)
    real(real32), intent(in), contiguous, target :: x(:)
    type(kyrtos_array) :: array
    array = array_at(c_loc(x), kyrtos_float32, shape(x))
  end function

  function vector64(x) result(array)
    real(real64), intent(in), contiguous, target :: x(:)
    type(kyrtos_array) :: array
    array = array_at(c_loc(x), kyrtos_float64, shape(x))
  end function

  function batch_of_tokens(inputs, targets, weight) result(batch)
    integer(int32), intent(in), pointer, contiguous :: inputs(:, :), targets(:, :)
    real(real64), intent(in), optional :: weight
    type(kyrtos_batch) :: batch
    batch%inputs = array_at(c_loc(inputs), kyrtos_int32, shape(inputs))
    batch%targets = array_at(c_loc(targets), kyrtos_int32, shape(targets))
    if (present(weight)) batch%weight = weight
  end function

  function batch_of_fields32(inputs, targets, weight) result(batch)
    real(real32), intent(in), pointer, contiguous :: inputs(:, :, :), targets(:, :, :)
    real(real64), intent(in), optional :: weight
    type(kyrtos_batch) :: batch
    batch%inputs = array_at(c_loc(inputs), kyrtos_float32, shape(inputs))
    batch%targets = array_at(c_loc(targets), kyrtos_float32, shape(targets))
    if (present(weight)) batch%weight = weight
  end function

  function batch_of_fields64(inputs, targets, weight) result(batch)
    real(real64), intent(in), pointer, contiguous :: inputs(:, :, :), targets(:, :, :)
    real(real64), intent(in), optional :: weight
    type(kyrtos_batch) :: batch
    batch%inputs = array_at(c_loc(inputs), kyrtos_float64, shape(inputs))
    batch%targets = array_at(c_loc(targets), kyrtos_float64, shape(targets))
    if (present(weight)) batch%weight = weight
  end function

  function words_at(c) result(words)
    type(c_ptr), intent(in) :: c
    character(:), allocatable :: words
    character(kind=c_char), pointer :: letters(:)
    integer :: i, length
    length = int(c_strlen(c))
    call c_f_pointer(c, letters, [length])
    allocate (character(length) :: words)
    do i = 1, length
      words(i:i) = letters(i)
    end do
  end function

end module
