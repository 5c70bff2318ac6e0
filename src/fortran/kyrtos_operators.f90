! SPDX-FileCopyrightText: 2026 Kyrtos contributors
! SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

!> Operators, their eigenvalues, and trackers.
module kyrtos_operators
  use, intrinsic :: iso_c_binding
  use, intrinsic :: iso_fortran_env, only: int32, int64, real32, real64
  use kyrtos_arrays
  use kyrtos_interfaces
  use kyrtos_models
  implicit none
  private

  public :: kyrtos_map, kyrtos_operator, kyrtos_tracker

  integer(c_int), parameter, public :: kyrtos_hessian = 0, kyrtos_gauss_newton = 1
  integer(c_int), parameter, public :: kyrtos_largest_magnitude = 0, kyrtos_largest_algebraic = 1, &
                                       kyrtos_smallest_algebraic = 2
  integer(c_int), parameter, public :: kyrtos_converged = 0, kyrtos_following = 1, kyrtos_lost = 2

  !> A symmetric map of the caller: extend it by what apply() needs.
  type, abstract :: kyrtos_map
  contains
    procedure(apply_map), deferred :: apply
  end type

  abstract interface
    subroutine apply_map(self, x, y)
      import :: kyrtos_map, real64
      class(kyrtos_map), intent(inout) :: self
      real(real64), intent(in) :: x(:)
      real(real64), intent(out) :: y(:)
    end subroutine
  end interface

  !> What C carries to the map and back.
  type :: carried_map
    class(kyrtos_map), pointer :: map => null()
  end type

  type, extends(kyrtos_handle) :: kyrtos_operator
    type(carried_map), pointer, private :: carried => null()
  contains
    procedure, private :: create_from_map, create_from_model
    generic :: create => create_from_map, create_from_model
    procedure :: power_iteration
    procedure :: lanczos
    procedure :: error => operator_error
    procedure :: destroy => operator_destroy
  end type

  type, extends(kyrtos_handle) :: kyrtos_tracker
  contains
    procedure :: create => tracker_create
    procedure :: update => tracker_update
    procedure :: vector => tracker_vector
    procedure :: error => tracker_error
    procedure :: destroy => tracker_destroy
  end type

contains

  !> The map is a target that lives as long as the operator.
  subroutine create_from_map(self, context, map, size, status)
    class(kyrtos_operator), intent(inout) :: self
    type(kyrtos_context), intent(in) :: context
    class(kyrtos_map), intent(inout), target :: map
    integer(int64), intent(in) :: size
    integer, intent(out) :: status
    call self%destroy()
    allocate (self%carried)
    self%carried%map => map
    status = c_operator_create(context%c, size, kyrtos_float64, kyrtos_host, c_funloc(call_map), &
                               c_loc(self%carried), self%c)
  end subroutine

  function call_map(user, stream, size, x, y) result(failure) bind(C)
    type(c_ptr), value :: user, stream, x, y
    integer(c_int64_t), value :: size
    integer(c_int) :: failure
    type(carried_map), pointer :: carried
    real(real64), pointer, contiguous :: from(:), to(:)
    call c_f_pointer(user, carried)
    call c_f_pointer(x, from, [size])
    call c_f_pointer(y, to, [size])
    call carried%map%apply(from, to)
    failure = merge(0, -1, .not. c_associated(stream))
  end function

  !> Errors are told by the model.
  subroutine create_from_model(self, model, matrix, batch, status)
    class(kyrtos_operator), intent(inout) :: self
    type(kyrtos_model), intent(in) :: model
    integer(c_int), intent(in) :: matrix
    type(kyrtos_batch), intent(in) :: batch
    integer, intent(out) :: status
    call self%destroy()
    status = c_operator_of_model(model%c, matrix, [batch], 1_c_int64_t, self%c)
  end subroutine

  subroutine power_iteration(self, target, tolerance, max_hvps, eigenvalue, eigenvector, status)
    class(kyrtos_operator), intent(inout) :: self
    integer(c_int), intent(in) :: target
    real(real64), intent(in) :: tolerance
    integer(int64), intent(in) :: max_hvps
    type(kyrtos_eigenvalue), intent(out) :: eigenvalue
    real(real64), intent(inout), contiguous :: eigenvector(:)
    integer, intent(out) :: status
    integer(c_int64_t) :: hvps
    status = c_power_iteration(self%c, target, tolerance, max_hvps, 0_c_int64_t, eigenvalue, &
                               vector(eigenvector), hvps)
  end subroutine

  !> `eigenvalues`: first the largest ones, then the smallest, as many as asked for.
  subroutine lanczos(self, largest, smallest, tolerance, max_hvps, eigenvalues, status)
    class(kyrtos_operator), intent(inout) :: self
    integer(int64), intent(in) :: largest, smallest, max_hvps
    real(real64), intent(in) :: tolerance
    type(kyrtos_eigenvalue), intent(out) :: eigenvalues(largest + smallest)
    integer, intent(out) :: status
    integer(c_int64_t) :: hvps
    status = c_lanczos(self%c, largest, smallest, tolerance, max_hvps, 0_c_int64_t, eigenvalues, &
                       hvps)
  end subroutine

  function operator_error(self) result(words)
    class(kyrtos_operator), intent(in) :: self
    character(:), allocatable :: words
    words = words_at(c_operator_error(self%c))
  end function

  subroutine operator_destroy(self)
    class(kyrtos_operator), intent(inout) :: self
    call c_operator_destroy(self%c)
    self%c = c_null_ptr
    if (associated(self%carried)) deallocate (self%carried)
  end subroutine

  !> Errors are told by the operator. A map must live as long as its trackers, and the Fortran
  !> operator too.
  subroutine tracker_create(self, op, status, options)
    class(kyrtos_tracker), intent(inout) :: self
    type(kyrtos_operator), intent(in) :: op
    integer, intent(out) :: status
    type(kyrtos_tracker_options), intent(in), optional :: options
    type(kyrtos_tracker_options) :: chosen
    chosen = kyrtos_tracker_defaults()
    if (present(options)) chosen = options
    call self%destroy()
    status = c_tracker_create(op%c, chosen, self%c)
  end subroutine

  subroutine tracker_update(self, step_size, report, status)
    class(kyrtos_tracker), intent(inout) :: self
    real(real64), intent(in) :: step_size
    type(kyrtos_sharpness), intent(out) :: report
    integer, intent(out) :: status
    status = c_tracker_update(self%c, step_size, report)
  end subroutine

  subroutine tracker_vector(self, x, status)
    class(kyrtos_tracker), intent(inout) :: self
    real(real64), intent(inout), contiguous :: x(:)
    integer, intent(out) :: status
    status = c_tracker_vector(self%c, vector(x))
  end subroutine

  function tracker_error(self) result(words)
    class(kyrtos_tracker), intent(in) :: self
    character(:), allocatable :: words
    words = words_at(c_tracker_error(self%c))
  end function

  subroutine tracker_destroy(self)
    class(kyrtos_tracker), intent(inout) :: self
    call c_tracker_destroy(self%c)
    self%c = c_null_ptr
  end subroutine

end module
