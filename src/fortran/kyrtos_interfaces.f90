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

  abstract interface
    integer(c_int) function text_taker(handle, text) bind(C)
      import
      type(c_ptr), value :: handle
      character(kind=c_char), intent(in) :: text(*)
    end function
    integer(c_int) function array_taker(handle, array) bind(C)
      import
      type(c_ptr), value :: handle
      type(kyrtos_array), intent(in) :: array
    end function
    type(c_ptr) function error_teller(handle) bind(C)
      import
      type(c_ptr), value :: handle
    end function
    subroutine destroyer(handle) bind(C)
      import
      type(c_ptr), value :: handle
    end subroutine
  end interface

  procedure(text_taker), bind(C, name="kyrtos_model_save") :: c_model_save
  procedure(text_taker), bind(C, name="kyrtos_trainer_save") :: c_trainer_save
  procedure(text_taker), bind(C, name="kyrtos_trainer_allow_change") :: c_trainer_allow_change
  procedure(text_taker), bind(C, name="kyrtos_trainer_restore") :: c_trainer_restore
  procedure(array_taker), bind(C, name="kyrtos_model_get_parameters") :: c_model_get_parameters
  procedure(array_taker), bind(C, name="kyrtos_model_set_parameters") :: c_model_set_parameters
  procedure(array_taker), bind(C, name="kyrtos_tracker_vector") :: c_tracker_vector
  procedure(error_teller), bind(C, name="kyrtos_context_error") :: c_context_error
  procedure(error_teller), bind(C, name="kyrtos_model_error") :: c_model_error
  procedure(error_teller), bind(C, name="kyrtos_operator_error") :: c_operator_error
  procedure(error_teller), bind(C, name="kyrtos_tracker_error") :: c_tracker_error
  procedure(error_teller), bind(C, name="kyrtos_trainer_error") :: c_trainer_error
  procedure(destroyer), bind(C, name="kyrtos_context_destroy") :: c_context_destroy
  procedure(destroyer), bind(C, name="kyrtos_model_destroy") :: c_model_destroy
  procedure(destroyer), bind(C, name="kyrtos_operator_destroy") :: c_operator_destroy
  procedure(destroyer), bind(C, name="kyrtos_tracker_destroy") :: c_tracker_destroy
  procedure(destroyer), bind(C, name="kyrtos_trainer_destroy") :: c_trainer_destroy

  interface
    integer(c_size_t) function c_strlen(text) bind(C, name="strlen")
      import
      type(c_ptr), value :: text
    end function
    integer(c_int) function kyrtos_start_kokkos() bind(C)
      import
    end function
    integer(c_int) function kyrtos_stop_kokkos() bind(C)
      import
    end function
    integer(c_int) function c_context_create(communicator, stream, context) &
      bind(C, name="kyrtos_context_create_f")
      import
      integer(c_int), value :: communicator
      type(c_ptr), value :: stream
      type(c_ptr), intent(out) :: context
    end function
    integer(c_int) function c_model_create(context, config, precision, model) &
      bind(C, name="kyrtos_model_create")
      import
      type(c_ptr), value :: context
      character(kind=c_char), intent(in) :: config(*)
      integer(c_int), value :: precision
      type(c_ptr), intent(out) :: model
    end function
    integer(c_int) function c_model_load(context, path, precision, model) &
      bind(C, name="kyrtos_model_load")
      import
      type(c_ptr), value :: context
      character(kind=c_char), intent(in) :: path(*)
      integer(c_int), value :: precision
      type(c_ptr), intent(out) :: model
    end function
    integer(c_int) function c_model_initialize(model, seed) bind(C, name="kyrtos_model_initialize")
      import
      type(c_ptr), value :: model
      integer(c_int64_t), value :: seed
    end function
    integer(c_int) function c_model_size(model, size) bind(C, name="kyrtos_model_size")
      import
      type(c_ptr), value :: model
      integer(c_int64_t), intent(out) :: size
    end function
    integer(c_int) function c_model_loss(model, batch, loss) bind(C, name="kyrtos_model_loss")
      import
      type(c_ptr), value :: model
      type(kyrtos_batch), intent(in) :: batch
      real(c_double), intent(out) :: loss
    end function
    integer(c_int) function c_model_gradient(model, batch, loss, gradient) &
      bind(C, name="kyrtos_model_gradient")
      import
      type(c_ptr), value :: model
      type(kyrtos_batch), intent(in) :: batch
      real(c_double), intent(out) :: loss
      type(kyrtos_array), intent(in) :: gradient
    end function
    integer(c_int) function c_model_hvp(model, batch, u, hu, loss, gradient) &
      bind(C, name="kyrtos_model_hvp")
      import
      type(c_ptr), value :: model
      type(kyrtos_batch), intent(in) :: batch
      type(kyrtos_array), intent(in) :: u, hu
      real(c_double), intent(out) :: loss
      type(c_ptr), value :: gradient
    end function
    integer(c_int) function c_model_outputs(model, inputs, outputs) &
      bind(C, name="kyrtos_model_outputs")
      import
      type(c_ptr), value :: model
      type(kyrtos_array), intent(in) :: inputs, outputs
    end function
    integer(c_int) function c_operator_create(context, size, precision, memory, apply, user, op) &
      bind(C, name="kyrtos_operator_create")
      import
      type(c_ptr), value :: context
      integer(c_int64_t), value :: size
      integer(c_int), value :: precision, memory
      type(c_funptr), value :: apply
      type(c_ptr), value :: user
      type(c_ptr), intent(out) :: op
    end function
    integer(c_int) function c_operator_of_model(model, matrix, batches, count, op) &
      bind(C, name="kyrtos_operator_of_model")
      import
      type(c_ptr), value :: model
      integer(c_int), value :: matrix
      type(kyrtos_batch), intent(in) :: batches(*)
      integer(c_int64_t), value :: count
      type(c_ptr), intent(out) :: op
    end function
    integer(c_int) function c_power_iteration(op, target, tolerance, max_hvps, seed, &
        eigenvalue, eigenvector, hvps) &
      bind(C, name="kyrtos_power_iteration")
      import
      type(c_ptr), value :: op
      integer(c_int), value :: target
      real(c_double), value :: tolerance
      integer(c_int64_t), value :: max_hvps, seed
      type(kyrtos_eigenvalue), intent(out) :: eigenvalue
      type(kyrtos_array), intent(in) :: eigenvector
      integer(c_int64_t), intent(out) :: hvps
    end function
    integer(c_int) function c_lanczos(op, largest, smallest, tolerance, max_hvps, seed, &
        eigenvalues, hvps) &
      bind(C, name="kyrtos_lanczos")
      import
      type(c_ptr), value :: op
      integer(c_int64_t), value :: largest, smallest
      real(c_double), value :: tolerance
      integer(c_int64_t), value :: max_hvps, seed
      type(kyrtos_eigenvalue), intent(out) :: eigenvalues(*)
      integer(c_int64_t), intent(out) :: hvps
    end function
    type(kyrtos_tracker_options) function kyrtos_tracker_defaults() bind(C)
      import
    end function
    integer(c_int) function c_tracker_create(op, options, tracker) &
      bind(C, name="kyrtos_tracker_create")
      import
      type(c_ptr), value :: op
      type(kyrtos_tracker_options), intent(in) :: options
      type(c_ptr), intent(out) :: tracker
    end function
    integer(c_int) function c_tracker_update(tracker, step_size, report) &
      bind(C, name="kyrtos_tracker_update")
      import
      type(c_ptr), value :: tracker
      real(c_double), value :: step_size
      type(kyrtos_sharpness), intent(out) :: report
    end function
    integer(c_int) function c_trainer_create(model, trainer) bind(C, name="kyrtos_trainer_create")
      import
      type(c_ptr), value :: model
      type(c_ptr), intent(out) :: trainer
    end function
    integer(c_int) function c_trainer_watch(trainer, probe) bind(C, name="kyrtos_trainer_watch")
      import
      type(c_ptr), value :: trainer
      type(kyrtos_batch), intent(in) :: probe
    end function
    integer(c_int) function c_trainer_step(trainer, batches, count, learning_rate, report) &
      bind(C, name="kyrtos_trainer_step")
      import
      type(c_ptr), value :: trainer
      type(kyrtos_batch), intent(in) :: batches(*)
      integer(c_int64_t), value :: count
      real(c_double), value :: learning_rate
      type(kyrtos_step), intent(out) :: report
    end function
  end interface

end module
