// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Handles that outlive Kokkos, in every order: a C program of its own, because Kokkos can be
// started only once.

#include <kyrtos/kyrtos.h>

#include <stdio.h>
#include <stdlib.h>

static void check(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "wrong: %s\n", what);
  exit(1);
}

static int twice(void* user, void* stream, int64_t size, const void* x, void* y) {
  (void)user, (void)stream;
  for (int64_t i = 0; i < size; ++i) ((double*)y)[i] = 2 * ((const double*)x)[i];
  return 0;
}

int main(int argc, char** argv) {
  kyrtos_context *context, *early;
  kyrtos_model* model;
  kyrtos_trainer* trainer;
  kyrtos_operator *op, *hessian;
  kyrtos_tracker* tracker;
  int64_t size = 0;
  double loss = 0;
  int32_t tokens[4] = {1, 2, 3, 4};
  kyrtos_array array = {.data = tokens, .type = KYRTOS_INT32, .rank = 2, .extents = {1, 4}};
  kyrtos_batch batch = {.inputs = array, .targets = array};

  check(kyrtos_abi_version() == KYRTOS_ABI_VERSION, "the version of header and library");
  MPI_Init(&argc, &argv);
  check(kyrtos_context_create(MPI_COMM_WORLD, NULL, &early) != KYRTOS_OK, "no Kokkos, no context");
  check(kyrtos_context_error(early)[0] != '\0', "and words about it");
  kyrtos_context_destroy(early);

  check(kyrtos_start_kokkos() == KYRTOS_OK, "Kokkos starts");
  check(kyrtos_context_create(MPI_COMM_WORLD, NULL, &context) == KYRTOS_OK, "context");
  check(kyrtos_model_create(context, "model = {depth = 1, width = 8, heads = 2, context = 4}",
                            KYRTOS_FLOAT32, &model) == KYRTOS_OK,
        "model");
  check(kyrtos_trainer_create(model, &trainer) == KYRTOS_OK, "trainer");
  check(kyrtos_trainer_watch(trainer, &batch) == KYRTOS_OK, "watch");
  check(kyrtos_trainer_step(trainer, &batch, 1, 0.01, NULL) == KYRTOS_OK, "step");
  check(kyrtos_operator_create(context, 3, KYRTOS_FLOAT64, KYRTOS_HOST, twice, NULL, &op) ==
            KYRTOS_OK,
        "operator");
  check(kyrtos_operator_of_model(model, KYRTOS_GAUSS_NEWTON, &batch, 1, &hessian) == KYRTOS_OK,
        "operator of the model");
  check(kyrtos_tracker_create(hessian, NULL, &tracker) == KYRTOS_OK, "tracker");
  check(kyrtos_tracker_update(tracker, 0.1, NULL) == KYRTOS_OK, "update");
  kyrtos_context_destroy(context);
  check(kyrtos_model_loss(model, &batch, &loss) == KYRTOS_OK, "a model without its context");

  check(kyrtos_stop_kokkos() == KYRTOS_OK, "Kokkos stops");
  check(kyrtos_model_loss(model, &batch, &loss) == KYRTOS_ERROR_FINALIZED, "loss afterwards");
  check(kyrtos_model_size(model, &size) == KYRTOS_ERROR_FINALIZED, "size afterwards");
  check(kyrtos_model_error(model)[0] != '\0', "words about it");
  check(kyrtos_trainer_step(trainer, &batch, 1, 0.01, NULL) == KYRTOS_ERROR_FINALIZED, "step");
  check(kyrtos_tracker_update(tracker, 0.1, NULL) == KYRTOS_ERROR_FINALIZED, "tracker");
  kyrtos_status const again = kyrtos_start_kokkos();
  check(again == KYRTOS_OK || again == KYRTOS_ERROR_FINALIZED, "a second start is told apart");
  check(kyrtos_model_loss(model, &batch, &loss) == KYRTOS_ERROR_FINALIZED, "and fills no handle");
  check(kyrtos_stop_kokkos() == KYRTOS_OK, "a second stop");
  MPI_Finalize();
  kyrtos_model_destroy(model);
  kyrtos_tracker_destroy(tracker);
  kyrtos_trainer_destroy(trainer);
  kyrtos_operator_destroy(hessian);
  kyrtos_operator_destroy(op);
  return 0;
}
