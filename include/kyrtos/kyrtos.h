// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef KYRTOS_KYRTOS_H
#define KYRTOS_KYRTOS_H

#include <mpi.h>

#include <stdint.h>

/// \file
/// \brief The C interface: models, training and curvature behind opaque handles.
///
/// Every function returns a status and leaves its results unspecified when that is not KYRTOS_OK;
/// `kyrtos_<handle>_error()` says then, in a sentence, what is wrong and the fix. Nothing here
/// prints, exits, or starts MPI or Kokkos on its own.
///
/// **Ranks.** What takes a batch is collective over the context's communicator: each rank hands
/// over its part of the batch and gets the result of the whole. A mistake on one rank is an error
/// on all. Use MPI_COMM_SELF for work that is not shared.
///
/// **Memory.** Arrays are the caller's and only used during the call. Those in the memory of the
/// execution space, contiguous and of the model's precision are worked on in place; all others go
/// through a copy.
///
/// **Threads.** A handle, its context and the other handles of that context belong to one thread
/// at a time; different contexts are independent.
///
/// **Lifetimes.** A handle keeps what it needs of others: destroy them in any order. When Kokkos
/// is finalised all handles become empty: they give KYRTOS_ERROR_FINALIZED, and can still be
/// destroyed.

#if defined(_WIN32)
#define KYRTOS_API
#else
#define KYRTOS_API __attribute__((visibility("default")))
#endif

/// Raised when a program that was compiled against the header before must be compiled again.
#define KYRTOS_ABI_VERSION 2

#ifdef __cplusplus
extern "C" {
#endif

typedef enum kyrtos_status {
  KYRTOS_OK = 0,
  KYRTOS_ERROR_ARGUMENT = 1,   ///< A null pointer, or a value outside its enumeration.
  KYRTOS_ERROR_CONFIG = 2,     ///< A setting that is unknown, out of range, or contradicts another.
  KYRTOS_ERROR_FILE = 3,       ///< A file that is absent, damaged, or not what it should be.
  KYRTOS_ERROR_SHAPE = 4,      ///< Extents or types of arguments that do not fit.
  KYRTOS_ERROR_NUMERICAL = 5,  ///< A NaN or an infinity where a number is needed.
  KYRTOS_ERROR_CALLBACK = 6,   ///< The caller's function said that it failed.
  KYRTOS_ERROR_FINALIZED = 7,  ///< The handle is empty: Kokkos has been finalised.
  KYRTOS_ERROR_MEMORY = 8,     ///< There is not enough of it.
  KYRTOS_ERROR_OTHER = 9       ///< MPI's errors, and what nobody thought of.
} kyrtos_status;

/// KYRTOS_ABI_VERSION of the library that was linked.
KYRTOS_API int kyrtos_abi_version(void);
/// For instance `0.1.0`.
KYRTOS_API const char* kyrtos_version(void);

/// For programs that have no Kokkos of their own: starts it, settings from the environment
/// (KOKKOS_NUM_THREADS, OMP_NUM_THREADS, …), and stops it. Not for those that have.
KYRTOS_API kyrtos_status kyrtos_start_kokkos(void);
KYRTOS_API kyrtos_status kyrtos_stop_kokkos(void);

// ---- Contexts ----------------------------------------------------------------------------------

/// Where work happens: a stream and a communicator.
typedef struct kyrtos_context kyrtos_context;

/// Collective over `communicator`, which is duplicated. `stream` is a cudaStream_t or hipStream_t
/// that outlives the context, where Kokkos has such a backend; NULL: Kokkos' default.
/// Also where it fails it makes a handle (unless memory is out), whose error text says why.
KYRTOS_API kyrtos_status kyrtos_context_create(MPI_Comm communicator, void* stream,
                                               kyrtos_context** context);
/// The same with a Fortran communicator.
KYRTOS_API kyrtos_status kyrtos_context_create_f(MPI_Fint communicator, void* stream,
                                                 kyrtos_context** context);
/// What went wrong last with this handle, or with the creation of another from it; empty after a
/// success. Valid until the handle's next use.
KYRTOS_API const char* kyrtos_context_error(const kyrtos_context* context);
/// Takes NULL too, as all kyrtos_…_destroy() do.
KYRTOS_API void kyrtos_context_destroy(kyrtos_context* context);

// ---- Arrays and batches ------------------------------------------------------------------------

typedef enum kyrtos_type {
  KYRTOS_FLOAT32 = 0,
  KYRTOS_FLOAT64 = 1,
  KYRTOS_INT32 = 2,
  KYRTOS_INT64 = 3
} kyrtos_type;

typedef enum kyrtos_memory {
  KYRTOS_HOST = 0,
  KYRTOS_DEVICE = 1  ///< Of Kokkos' default execution space; for CPU backends the same as HOST.
} kyrtos_memory;

#define KYRTOS_MAX_RANK 4

/// An array in the caller's memory:
/// `{.data = p, .type = KYRTOS_INT32, .rank = 2, .extents = {4, 32}}`.
/// An array that a function only reads is never written to. Real types are converted to each
/// other, and integer types are.
typedef struct kyrtos_array {
  void* data;
  kyrtos_type type;
  kyrtos_memory memory;
  int64_t rank;
  int64_t extents[KYRTOS_MAX_RANK];
  int64_t strides[KYRTOS_MAX_RANK];  ///< In elements; all 0: contiguous, the last index fastest.
} kyrtos_array;

/// A rank's part of a batch: sequences of tokens, or of rows of continuous fields.
typedef struct kyrtos_batch {
  kyrtos_array inputs;   ///< [sequences, length], or [sequences, length, input_features].
  kyrtos_array targets;  ///< [sequences, length], negative ones ignored; or [.., output_features].
  /// The loss is `weight` times the sum over targets (rows); 0: 1/(their number on all ranks), so
  /// that it is a mean.
  double weight;
} kyrtos_batch;

// ---- Models ------------------------------------------------------------------------------------

/// A Transformer and its parameters θ, one flat vector.
typedef struct kyrtos_model kyrtos_model;

/// A new model, all parameters zero. `config` is the text of a configuration file: [model], and for
/// a trainer [optimizer], [curvature] and training.clip_norm.
/// \param precision KYRTOS_FLOAT32 or KYRTOS_FLOAT64, of all its numbers; training.precision says
/// only, for float32, whether factors of matrix products are rounded (bf16, tf32).
KYRTOS_API kyrtos_status kyrtos_model_create(kyrtos_context* context, const char* config,
                                             kyrtos_type precision, kyrtos_model** model);
/// From a checkpoint, the newest one of a run's directory, or a directory with a model of Hugging
/// Face: config.json and *.safetensors, as save_pretrained writes them. Collective.
KYRTOS_API kyrtos_status kyrtos_model_load(kyrtos_context* context, const char* path,
                                           kyrtos_type precision, kyrtos_model** model);
/// Writes a checkpoint without an optimiser's state: complete or absent. Collective.
KYRTOS_API kyrtos_status kyrtos_model_save(kyrtos_model* model, const char* path);
KYRTOS_API const char* kyrtos_model_error(const kyrtos_model* model);
KYRTOS_API void kyrtos_model_destroy(kyrtos_model* model);

/// Draws θ; the same for the same seed, whatever the ranks and threads.
KYRTOS_API kyrtos_status kyrtos_model_initialize(kyrtos_model* model, uint64_t seed);
/// The number of parameters.
KYRTOS_API kyrtos_status kyrtos_model_size(kyrtos_model* model, int64_t* size);
/// Where a named tensor lies in θ, such as `blocks.0.mlp.up.weight`; docs/checkpoint.md has them.
KYRTOS_API kyrtos_status kyrtos_model_segment(kyrtos_model* model, const char* name,
                                              int64_t* offset, int64_t* size);
/// A named tensor of θ, row-major. The name belongs to the model.
typedef struct kyrtos_segment {
  const char* name;
  int64_t offset, size;
  int64_t rank;
  int64_t extents[KYRTOS_MAX_RANK];
} kyrtos_segment;

/// The segment of that number, counted from 0 in the order of θ; past the last its name is NULL.
KYRTOS_API kyrtos_status kyrtos_model_segment_at(kyrtos_model* model, int64_t number,
                                                 kyrtos_segment* segment);
/// The text of the model's configuration, all keys with their values. It belongs to the model.
KYRTOS_API kyrtos_status kyrtos_model_config(kyrtos_model* model, const char** config);
KYRTOS_API kyrtos_status kyrtos_model_get_parameters(kyrtos_model* model,
                                                     const kyrtos_array* parameters);
KYRTOS_API kyrtos_status kyrtos_model_set_parameters(kyrtos_model* model,
                                                     const kyrtos_array* parameters);
/// From now on θ is this array, with the values that it has. It outlives the model and what was
/// made from it; it has to be one that can be worked on in place.
KYRTOS_API kyrtos_status kyrtos_model_use_parameters(kyrtos_model* model,
                                                     const kyrtos_array* parameters);
/// diagonal ← P^(-1/2), of Adam's preconditioner P in the checkpoint that the model was loaded
/// from; [curvature] says which P. Collective.
KYRTOS_API kyrtos_status kyrtos_model_preconditioner(kyrtos_model* model,
                                                     const kyrtos_array* diagonal);

/// Collective.
KYRTOS_API kyrtos_status kyrtos_model_loss(kyrtos_model* model, const kyrtos_batch* batch,
                                           double* loss);
/// ∇ℓ; `loss` may be NULL. Collective.
KYRTOS_API kyrtos_status kyrtos_model_gradient(kyrtos_model* model, const kyrtos_batch* batch,
                                               double* loss, const kyrtos_array* gradient);
/// H u, exact; `loss` and `gradient` may be NULL. Collective.
KYRTOS_API kyrtos_status kyrtos_model_hvp(kyrtos_model* model, const kyrtos_batch* batch,
                                          const kyrtos_array* u, const kyrtos_array* hu,
                                          double* loss, const kyrtos_array* gradient);
/// Inference: logits [sequences, length, vocabulary], or fields [.., output_features], of inputs as
/// in a batch. Not collective.
KYRTOS_API kyrtos_status kyrtos_model_outputs(kyrtos_model* model, const kyrtos_array* inputs,
                                              const kyrtos_array* outputs);

// ---- Operators and eigenvalues -----------------------------------------------------------------

/// A symmetric map y = A x. With several ranks each has the whole x and y.
typedef struct kyrtos_operator kyrtos_operator;

/// y ← A x of the caller: `size` contiguous numbers each, of the precision and in the memory that
/// were asked for. `stream` is the context's: work in KYRTOS_DEVICE memory is enqueued there; in
/// KYRTOS_HOST memory y is ready on return. \return 0, or the caller's number of a failure.
typedef int (*kyrtos_apply)(void* user, void* stream, int64_t size, const void* x, void* y);

KYRTOS_API kyrtos_status kyrtos_operator_create(kyrtos_context* context, int64_t size,
                                                kyrtos_type precision, kyrtos_memory memory,
                                                kyrtos_apply apply, void* user,
                                                kyrtos_operator** op);

typedef enum kyrtos_matrix {
  KYRTOS_HESSIAN = 0,
  KYRTOS_GAUSS_NEWTON = 1  ///< Jᵀ(∂²ℓ/∂z²)J, without the curvature of the network itself.
} kyrtos_matrix;

/// Of the model's loss on `count` batches, which are copied, and whose losses are added: a large
/// batch in several needs the memory of one. θ is read at every product. Collective, as are its
/// products.
KYRTOS_API kyrtos_status kyrtos_operator_of_model(kyrtos_model* model, kyrtos_matrix matrix,
                                                  const kyrtos_batch* batches, int64_t count,
                                                  kyrtos_operator** op);
/// D A D with a diagonal D: a Hessian, preconditioned by D = P^(-1/2). The diagonal is read at
/// every product. It outlives the operator; it has to be one that can be worked on in place. Keeps
/// A.
KYRTOS_API kyrtos_status kyrtos_operator_precondition(kyrtos_operator* inner,
                                                      const kyrtos_array* diagonal,
                                                      kyrtos_operator** op);
KYRTOS_API kyrtos_status kyrtos_operator_apply(kyrtos_operator* op, const kyrtos_array* x,
                                               const kyrtos_array* y);
KYRTOS_API const char* kyrtos_operator_error(const kyrtos_operator* op);
KYRTOS_API void kyrtos_operator_destroy(kyrtos_operator* op);

/// Which eigenvalues are looked for.
typedef enum kyrtos_spectrum {
  KYRTOS_LARGEST_MAGNITUDE = 0,
  KYRTOS_LARGEST_ALGEBRAIC = 1,
  KYRTOS_SMALLEST_ALGEBRAIC = 2
} kyrtos_spectrum;

/// Some eigenvalue lies within residual·|value| of `value`; NaN: not found.
typedef struct kyrtos_eigenvalue {
  double value;
  double residual;  ///< ‖Au − λu‖/(|λ|‖u‖)
} kyrtos_eigenvalue;

/// One eigenpair by power iteration, until its residual is at most the tolerance.
/// \param seed of the first vector.  \param eigenvector of length one; may be NULL.
/// \param hvps spent; may be NULL.
KYRTOS_API kyrtos_status kyrtos_power_iteration(kyrtos_operator* op, kyrtos_spectrum target,
                                                double tolerance, int64_t max_hvps, uint64_t seed,
                                                kyrtos_eigenvalue* eigenvalue,
                                                const kyrtos_array* eigenvector, int64_t* hvps);
/// The `largest` first eigenvalues, descending, then the `smallest` last ones, ascending, by
/// Lanczos's method: at most `max_hvps` products, until the estimates of all residuals are at most
/// the tolerance, each of which keeps a vector; then one more for each eigenvalue, which measures
/// its residual.
/// \param seed of the first vector.
/// \param eigenvalues [largest + smallest].  \param hvps spent; may be NULL.
KYRTOS_API kyrtos_status kyrtos_lanczos(kyrtos_operator* op, int64_t largest, int64_t smallest,
                                        double tolerance, int64_t max_hvps, uint64_t seed,
                                        kyrtos_eigenvalue* eigenvalues, int64_t* hvps);

typedef struct kyrtos_density_options {
  int64_t probes;  ///< Random vectors.
  int64_t steps;   ///< Products for each of them.
  int64_t grid_points;
  double relative_width;  ///< Of the Gaussian that stands for each node, in widths of the spectrum.
  uint64_t seed;          ///< Of the random vectors.
} kyrtos_density_options;

/// 10 probes of 80 steps, 1000 points, a width of 0.01.
KYRTOS_API kyrtos_density_options kyrtos_density_defaults(void);

/// The density of an operator's eigenvalues. The arrays are the caller's.
typedef struct kyrtos_density {
  double *grid, *density, *standard_error;  ///< [grid_points] each
  /// [probes, steps] each: Σ weight·f(node) estimates the mean of f over the eigenvalues. A row is
  /// filled up with nodes of NaN and weight 0. Both NULL: not asked for.
  double *nodes, *weights;
  double width;  ///< σ of the Gaussians, in units of the eigenvalues.
  int64_t hvps;  ///< Spent.
} kyrtos_density;

/// By stochastic Lanczos quadrature: probes·steps products. Keeps a vector for each step.
/// `options` NULL: the defaults.
KYRTOS_API kyrtos_status kyrtos_spectral_density(kyrtos_operator* op,
                                                 const kyrtos_density_options* options,
                                                 kyrtos_density* density);

// ---- Following an eigenvalue -------------------------------------------------------------------

typedef enum kyrtos_quality {
  KYRTOS_CONVERGED = 0,  ///< The residual is within the target.
  KYRTOS_FOLLOWING = 1,  ///< A sound estimate, on its way or chasing a moving target.
  KYRTOS_LOST = 2        ///< There is no estimate: the numbers are NaN.
} kyrtos_quality;

typedef enum kyrtos_stability {
  KYRTOS_UNKNOWN = 0,
  KYRTOS_STABLE = 1,
  KYRTOS_AT_EDGE = 2,
  KYRTOS_UNSTABLE = 3
} kyrtos_stability;

/// What an estimator says after a step.
typedef struct kyrtos_sharpness {
  double lambda;
  double residual;
  double threshold_ratio;  ///< λη/threshold
  int64_t hvps;            ///< Spent on this report.
  kyrtos_quality quality;
  kyrtos_stability stability;
} kyrtos_sharpness;

typedef struct kyrtos_tracker_options {
  double threshold;        ///< Of λη: 2 for gradient descent.
  double target_residual;  ///< More products, within the budget, while above it.
  int64_t block;           ///< Vectors carried along, 1 to 4.
  int64_t min_hvps;        ///< An update.
  int64_t max_hvps;
  int64_t cold_hvps;  ///< The budget of the first update, and after a failure.
  uint64_t seed;      ///< Of the first vectors.
  kyrtos_spectrum target;
} kyrtos_tracker_options;

/// The defaults: the largest eigenvalue algebraically, one to five products an update.
KYRTOS_API kyrtos_tracker_options kyrtos_tracker_defaults(void);

/// Follows an eigenvalue of an operator that changes a little from update to update.
typedef struct kyrtos_tracker kyrtos_tracker;

/// `options` NULL: the defaults.
KYRTOS_API kyrtos_status kyrtos_tracker_create(kyrtos_operator* op,
                                               const kyrtos_tracker_options* options,
                                               kyrtos_tracker** tracker);
/// An estimate for the operator as it is now, starting from the last vector. NaN in the operator is
/// a report of quality KYRTOS_LOST, not an error.
KYRTOS_API kyrtos_status kyrtos_tracker_update(kyrtos_tracker* tracker, double step_size,
                                               kyrtos_sharpness* report);
/// The eigenvector that is followed.
KYRTOS_API kyrtos_status kyrtos_tracker_vector(kyrtos_tracker* tracker, const kyrtos_array* vector);
KYRTOS_API const char* kyrtos_tracker_error(const kyrtos_tracker* tracker);
KYRTOS_API void kyrtos_tracker_destroy(kyrtos_tracker* tracker);

// ---- Training ----------------------------------------------------------------------------------

/// Moves a model's θ by AdamW on batches that are handed over, as the model's configuration says.
typedef struct kyrtos_trainer kyrtos_trainer;

typedef struct kyrtos_step {
  int64_t step;  ///< Steps done, this one with them.
  double loss;   ///< Before the step.
  double gradient_norm;
  kyrtos_sharpness sharpness;  ///< After it, where the curvature is watched; else KYRTOS_LOST.
} kyrtos_step;

KYRTOS_API kyrtos_status kyrtos_trainer_create(kyrtos_model* model, kyrtos_trainer** trainer);
/// Reports the largest eigenvalue of the Hessian that [curvature] names (by default the one that
/// Adam preconditions) with every step from now on, on this batch, which is copied. Collective.
KYRTOS_API kyrtos_status kyrtos_trainer_watch(kyrtos_trainer* trainer, const kyrtos_batch* probe);
/// One step on `count` batches, whose gradients are added. `report` may be NULL. Where loss or
/// gradient are not finite θ stays as it was. Collective.
KYRTOS_API kyrtos_status kyrtos_trainer_step(kyrtos_trainer* trainer, const kyrtos_batch* batches,
                                             int64_t count, double learning_rate,
                                             kyrtos_step* report);
/// A checkpoint of all that the next step depends on but its batches: the same that `kyrtos train`
/// writes and goes on from. Collective.
KYRTOS_API kyrtos_status kyrtos_trainer_save(kyrtos_trainer* trainer, const char* path);
/// A key such as `optimizer.beta2`, or a table such as `curvature`, in which later calls of
/// kyrtos_trainer_restore() may find another value in the checkpoint than in the configuration.
KYRTOS_API kyrtos_status kyrtos_trainer_allow_change(kyrtos_trainer* trainer, const char* key);
/// Goes on from a checkpoint of the same [model], of a trainer or of `kyrtos train`. The curvature,
/// if it is watched by now and was watched then, is followed on; otherwise from a cold start. Where
/// the checkpoint's configuration differs in [model] or optimizer.name, or without having been
/// allowed in another setting that steps depend on, it is KYRTOS_ERROR_CONFIG, and nothing has
/// changed. Collective.
KYRTOS_API kyrtos_status kyrtos_trainer_restore(kyrtos_trainer* trainer, const char* path);
KYRTOS_API const char* kyrtos_trainer_error(const kyrtos_trainer* trainer);
KYRTOS_API void kyrtos_trainer_destroy(kyrtos_trainer* trainer);

#ifdef __cplusplus
}
#endif

#endif
