! SPDX-FileCopyrightText: 2026 Kyrtos contributors
! SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

! Inference and a Hessian-vector product of a stored model, 04_spectrum CHECKPOINT (of 03_train),
! and the largest eigenvalue of the program's own operator, a Laplacian, to ten digits.

module laplacian
  use kyrtos
  use, intrinsic :: iso_fortran_env, only: real64
  implicit none

  !> -scale u'' on points between two walls, without a matrix.
  type, extends(kyrtos_map) :: laplacian_map
    real(real64) :: scale = 1
  contains
    procedure :: apply
  end type

contains

  subroutine apply(self, x, y)
    class(laplacian_map), intent(inout) :: self
    real(real64), intent(in) :: x(:)
    real(real64), intent(out) :: y(:)
    y = 2 * x
    y(2:) = y(2:) - x(:size(x) - 1)
    y(:size(x) - 1) = y(:size(x) - 1) - x(2:)
    y = self%scale * y
  end subroutine
end module

program spectrum
  use kyrtos
  use laplacian
  use mpi_f08
  use, intrinsic :: iso_fortran_env, only: error_unit, int32, int64, real64
  implicit none
  type(kyrtos_context) :: context
  integer :: status

  call MPI_Init()
  if (kyrtos_start_kokkos() /= kyrtos_ok) error stop 'Kokkos does not start'
  call context%create(MPI_COMM_WORLD, status)
  call check(status == kyrtos_ok, context%error())
  call stored_model(context)
  call own_operator(context)
  call context%destroy()
  if (kyrtos_stop_kokkos() /= kyrtos_ok) error stop 'Kokkos does not stop'
  call MPI_Finalize()

contains

  subroutine check(holds, words)
    logical, intent(in) :: holds
    character(*), intent(in) :: words
    if (holds) return
    write (error_unit, '(2a)') '04_spectrum: ', words
    call MPI_Abort(MPI_COMM_WORLD, 1)
  end subroutine

  !> The model counts on where a sequence counts, and its Hessian is symmetric.
  subroutine stored_model(context)
    type(kyrtos_context), intent(in) :: context
    type(kyrtos_model) :: model
    integer(int32), target :: inputs(16, 1), targets(16, 1)
    real(real64), allocatable :: logits(:, :, :), u(:), v(:), hu(:), hv(:)
    integer(int64) :: n
    integer :: status, t
    character(1000) :: path
    call get_command_argument(1, path)
    call model%load(context, trim(path), kyrtos_float64, status)
    call check(status == kyrtos_ok, context%error())

    inputs(:, 1) = [(modulo(5 + 3 * t, 32), t=0, 15)]
    targets(:, 1) = [(modulo(5 + 3 * t, 32), t=1, 16)]
    allocate (logits(32, 16, 1))
    call model%outputs(inputs, logits, status)
    call check(status == kyrtos_ok, model%error())
    print '(a, i0, a, i0)', 'after 18 comes ', maxloc(logits(:, 16, 1)) - 1, ', as it should: ', &
      targets(16, 1)

    call model%size(n, status)
    allocate (u(n), v(n), hu(n), hv(n))
    call random_number(u)
    call random_number(v)
    call model%hvp(kyrtos_batch(inputs, targets), u, hu, status)
    call check(status == kyrtos_ok, model%error())
    call model%hvp(kyrtos_batch(inputs, targets), v, hv, status)
    call check(status == kyrtos_ok, model%error())
    print '(a, i0, a, es10.3)', 'Hessian of ', n, ' parameters: <v, Hu> = ', dot_product(v, hu)
    call check(abs(dot_product(v, hu) - dot_product(u, hv)) < 1e-9 * abs(dot_product(v, hu)), &
               'the Hessian is not symmetric')
    call model%destroy()
  end subroutine

  !> 4 sin²(πn/(2n + 2)) of n points.
  subroutine own_operator(context)
    type(kyrtos_context), intent(in) :: context
    integer(int64), parameter :: n = 60
    type(laplacian_map), target :: map
    type(kyrtos_operator) :: op
    type(kyrtos_eigenvalue) :: largest(1)
    real(real64) :: exact
    integer :: status
    map%scale = 2.5_real64
    exact = map%scale * 4 * sin(acos(-1.0_real64) * n / (2 * n + 2))**2
    call op%create(context, map, n, status)
    call check(status == kyrtos_ok, context%error())
    call op%lanczos(1_int64, 0_int64, 1e-12_real64, n, largest, status)
    call check(status == kyrtos_ok, op%error())
    print '(a, f14.11, a, f14.11)', 'largest eigenvalue ', largest(1)%value, ', exact ', exact
    call check(abs(largest(1)%value - exact) < 1e-10 * exact, 'the eigenvalue is not exact')
    call op%destroy()
  end subroutine
end program
