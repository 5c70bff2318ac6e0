! SPDX-FileCopyrightText: 2026 Kyrtos contributors
! SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

!> kyrtos.h as Fortran sees it: its structs and functions, one for one.
module kyrtos_interfaces
  use, intrinsic :: iso_c_binding
  implicit none
  public

  integer(c_int), parameter :: kyrtos_int32 = 2, kyrtos_host = 0

  type, bind(C) :: kyrtos_array
    type(c_ptr) :: data = c_null_ptr
    integer(c_int) :: type = 0, memory = 0
    integer(c_int64_t) :: rank = 0, extents(4) = 0, strides(4) = 0
  end type

  type, bind(C) :: kyrtos_batch
    type(kyrtos_array) :: inputs, targets
    real(c_double) :: weight = 0
  end type

  type, bind(C) :: kyrtos_eigenvalue
    real(c_double) :: value, residual
  end type

  type, bind(C) :: kyrtos_sharpness
    real(c_double) :: lambda, residual, threshold_ratio
    integer(c_int64_t) :: hvps
    integer(c_int) :: quality, stability
  end type

  type, bind(C) :: kyrtos_tracker_options
    real(c_double) :: threshold, target_residual
    integer(c_int64_t) :: block, min_hvps, max_hvps, cold_hvps, seed
    integer(c_int) :: target
  end type

  type, bind(C) :: kyrtos_step
    integer(c_int64_t) :: step
    real(c_double) :: loss, gradient_norm
    type(kyrtos_sharpness) :: sharpness
  end type

  interface
    function c_strlen(text) bind(C, name="strlen") result(r)
      import
      type(c_ptr), value :: text
      integer(c_size_t) :: r
    end function
    function kyrtos_start_kokkos() bind(C, name="kyrtos_start_kokkos") result(r)
      import

      integer(c_int) :: r
    end function
    function kyrtos_stop_kokkos() bind(C, name="kyrtos_stop_kokkos") result(r)
      import

      integer(c_int) :: r
    end function
    function c_context_create(communicator, stream, context) &
      bind(C, name="kyrtos_context_create_f") result(r)
      import
      integer(c_int), value :: communicator
      type(c_ptr), value :: stream
      type(c_ptr), intent(out) :: context
      integer(c_int) :: r
    end function
    function c_model_create(context, config, precision, model) &
      bind(C, name="kyrtos_model_create") result(r)
      import
      type(c_ptr), value :: context
      character(kind=c_char), intent(in) :: config(*)
      integer(c_int), value :: precision
      type(c_ptr), intent(out) :: model
      integer(c_int) :: r
    end function
    function c_model_load(context, path, precision, model) &
      bind(C, name="kyrtos_model_load") result(r)
      import
      type(c_ptr), value :: context
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int), value :: precision
      type(c_ptr), intent(out) :: model
      integer(c_int) :: r
    end function
    function c_model_save(model, path) bind(C, name="kyrtos_model_save") result(r)
      import
      type(c_ptr), value :: model
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: r
    end function
    function c_model_initialize(model, seed) bind(C, name="kyrtos_model_initialize") result(r)
      import
      type(c_ptr), value :: model
      integer(c_int64_t), value :: seed
      integer(c_int) :: r
    end function
    function c_model_size(model, size) bind(C, name="kyrtos_model_size") result(r)
      import
      type(c_ptr), value :: model
      integer(c_int64_t), intent(out) :: size
      integer(c_int) :: r
    end function
    function c_model_get_parameters(model, parameters) &
      bind(C, name="kyrtos_model_get_parameters") result(r)
      import
      type(c_ptr), value :: model
      type(kyrtos_array), intent(in) :: parameters
      integer(c_int) :: r
    end function
    function c_model_set_parameters(model, parameters) &
      bind(C, name="kyrtos_model_set_parameters") result(r)
      import
      type(c_ptr), value :: model
      type(kyrtos_array), intent(in) :: parameters
      integer(c_int) :: r
    end function
    function c_model_loss(model, batch, loss) bind(C, name="kyrtos_model_loss") result(r)
      import
      type(c_ptr), value :: model
      type(kyrtos_batch), intent(in) :: batch
      real(c_double), intent(out) :: loss
      integer(c_int) :: r
    end function
    function c_model_gradient(model, batch, loss, gradient) &
      bind(C, name="kyrtos_model_gradient") result(r)
      import
      type(c_ptr), value :: model
      type(kyrtos_batch), intent(in) :: batch
      real(c_double), intent(out) :: loss
      type(kyrtos_array), intent(in) :: gradient
      integer(c_int) :: r
    end function
    function c_model_hvp(model, batch, u, hu, loss, gradient) &
      bind(C, name="kyrtos_model_hvp") result(r)
      import
      type(c_ptr), value :: model
      type(kyrtos_batch), intent(in) :: batch
      type(kyrtos_array), intent(in) :: u
      type(kyrtos_array), intent(in) :: hu
      real(c_double), intent(out) :: loss
      type(c_ptr), value :: gradient
      integer(c_int) :: r
    end function
    function c_model_outputs(model, inputs, outputs) bind(C, name="kyrtos_model_outputs") result(r)
      import
      type(c_ptr), value :: model
      type(kyrtos_array), intent(in) :: inputs
      type(kyrtos_array), intent(in) :: outputs
      integer(c_int) :: r
    end function
    function c_operator_create(context, size, precision, memory, apply, user, op) &
      bind(C, name="kyrtos_operator_create") result(r)
      import
      type(c_ptr), value :: context
      integer(c_int64_t), value :: size
      integer(c_int), value :: precision
      integer(c_int), value :: memory
      type(c_funptr), value :: apply
      type(c_ptr), value :: user
      type(c_ptr), intent(out) :: op
      integer(c_int) :: r
    end function
    function c_operator_of_model(model, matrix, batches, count, op) &
      bind(C, name="kyrtos_operator_of_model") result(r)
      import
      type(c_ptr), value :: model
      integer(c_int), value :: matrix
      type(kyrtos_batch), intent(in) :: batches(*)
      integer(c_int64_t), value :: count
      type(c_ptr), intent(out) :: op
      integer(c_int) :: r
    end function
    function c_power_iteration(op, target, tolerance, max_hvps, seed, &
                                eigenvalue, eigenvector, hvps) &
      bind(C, name="kyrtos_power_iteration") result(r)
      import
      type(c_ptr), value :: op
      integer(c_int), value :: target
      real(c_double), value :: tolerance
      integer(c_int64_t), value :: max_hvps
      integer(c_int64_t), value :: seed
      type(kyrtos_eigenvalue), intent(out) :: eigenvalue
      type(kyrtos_array), intent(in) :: eigenvector
      integer(c_int64_t), intent(out) :: hvps
      integer(c_int) :: r
    end function
    function c_lanczos(op, largest, smallest, tolerance, &
                        max_hvps, seed, eigenvalues, hvps) &
      bind(C, name="kyrtos_lanczos") result(r)
      import
      type(c_ptr), value :: op
      integer(c_int64_t), value :: largest
      integer(c_int64_t), value :: smallest
      real(c_double), value :: tolerance
      integer(c_int64_t), value :: max_hvps
      integer(c_int64_t), value :: seed
      type(kyrtos_eigenvalue), intent(out) :: eigenvalues(*)
      integer(c_int64_t), intent(out) :: hvps
      integer(c_int) :: r
    end function
    function kyrtos_tracker_defaults() bind(C, name="kyrtos_tracker_defaults") result(r)
      import

      type(kyrtos_tracker_options) :: r
    end function
    function c_tracker_create(op, options, tracker) bind(C, name="kyrtos_tracker_create") result(r)
      import
      type(c_ptr), value :: op
      type(kyrtos_tracker_options), intent(in) :: options
      type(c_ptr), intent(out) :: tracker
      integer(c_int) :: r
    end function
    function c_tracker_update(tracker, step_size, report) &
      bind(C, name="kyrtos_tracker_update") result(r)
      import
      type(c_ptr), value :: tracker
      real(c_double), value :: step_size
      type(kyrtos_sharpness), intent(out) :: report
      integer(c_int) :: r
    end function
    function c_tracker_vector(tracker, vector) bind(C, name="kyrtos_tracker_vector") result(r)
      import
      type(c_ptr), value :: tracker
      type(kyrtos_array), intent(in) :: vector
      integer(c_int) :: r
    end function
    function c_trainer_create(model, trainer) bind(C, name="kyrtos_trainer_create") result(r)
      import
      type(c_ptr), value :: model
      type(c_ptr), intent(out) :: trainer
      integer(c_int) :: r
    end function
    function c_trainer_watch(trainer, probe) bind(C, name="kyrtos_trainer_watch") result(r)
      import
      type(c_ptr), value :: trainer
      type(kyrtos_batch), intent(in) :: probe
      integer(c_int) :: r
    end function
    function c_trainer_step(trainer, batches, count, learning_rate, report) &
      bind(C, name="kyrtos_trainer_step") result(r)
      import
      type(c_ptr), value :: trainer
      type(kyrtos_batch), intent(in) :: batches(*)
      integer(c_int64_t), value :: count
      real(c_double), value :: learning_rate
      type(kyrtos_step), intent(out) :: report
      integer(c_int) :: r
    end function
    function c_trainer_save(trainer, path) bind(C, name="kyrtos_trainer_save") result(r)
      import
      type(c_ptr), value :: trainer
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: r
    end function
    function c_trainer_allow_change(trainer, key) &
      bind(C, name="kyrtos_trainer_allow_change") result(r)
      import
      type(c_ptr), value :: trainer
      character(kind=c_char), intent(in) :: key(*)
      integer(c_int) :: r
    end function
    function c_trainer_restore(trainer, path) bind(C, name="kyrtos_trainer_restore") result(r)
      import
      type(c_ptr), value :: trainer
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int) :: r
    end function
    function c_context_error(handle) bind(C, name="kyrtos_context_error") result(r)
      import
      type(c_ptr), value :: handle
      type(c_ptr) :: r
    end function
    subroutine c_context_destroy(handle) bind(C, name="kyrtos_context_destroy")
      import
      type(c_ptr), value :: handle
    end subroutine
    function c_model_error(handle) bind(C, name="kyrtos_model_error") result(r)
      import
      type(c_ptr), value :: handle
      type(c_ptr) :: r
    end function
    subroutine c_model_destroy(handle) bind(C, name="kyrtos_model_destroy")
      import
      type(c_ptr), value :: handle
    end subroutine
    function c_operator_error(handle) bind(C, name="kyrtos_operator_error") result(r)
      import
      type(c_ptr), value :: handle
      type(c_ptr) :: r
    end function
    subroutine c_operator_destroy(handle) bind(C, name="kyrtos_operator_destroy")
      import
      type(c_ptr), value :: handle
    end subroutine
    function c_tracker_error(handle) bind(C, name="kyrtos_tracker_error") result(r)
      import
      type(c_ptr), value :: handle
      type(c_ptr) :: r
    end function
    subroutine c_tracker_destroy(handle) bind(C, name="kyrtos_tracker_destroy")
      import
      type(c_ptr), value :: handle
    end subroutine
    function c_trainer_error(handle) bind(C, name="kyrtos_trainer_error") result(r)
      import
      type(c_ptr), value :: handle
      type(c_ptr) :: r
    end function
    subroutine c_trainer_destroy(handle) bind(C, name="kyrtos_trainer_destroy")
      import
      type(c_ptr), value :: handle
    end subroutine
  end interface

end module
