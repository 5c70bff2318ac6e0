// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A C program with MPI trains a Transformer by handing over batches that it makes itself, each rank
// its own, watches the curvature, and leaves a checkpoint: 03_train [CHECKPOINT]. The sequences are
// counts in steps of one to four: which step it is, attention has to find out. The loss falls below
// a third of the first.

#include <kyrtos/kyrtos.h>

#include <stdio.h>
#include <stdlib.h>

enum { sequences = 16, length = 16, vocabulary = 32, steps = 120 };

static const char* const config =
    "model = { vocabulary = 32, context = 16, depth = 2, width = 32, heads = 4 }\n"
    "optimizer = { beta2 = 0.99, weight_decay = 0.01 }\n";

// Kyrtos reports, the program decides.
#define CHECK(call, words) ((call) == KYRTOS_OK ? (void)0 : give_up(words))
static void give_up(const char* words) {
  fprintf(stderr, "03_train: %s\n", words);
  MPI_Abort(MPI_COMM_WORLD, 1);
}

static unsigned draw(unsigned* state, unsigned below) {
  *state = *state * 1664525u + 1013904223u;
  return (*state >> 16) % below;
}

static void fill(int32_t (*inputs)[length], int32_t (*targets)[length], unsigned* random) {
  for (int s = 0; s < sequences; ++s) {
    unsigned const first = draw(random, vocabulary), step = 1 + draw(random, 4);
    for (unsigned t = 0; t < length; ++t) {
      inputs[s][t] = (int32_t)((first + t * step) % vocabulary);
      targets[s][t] = t == 0 ? -1 : (int32_t)((first + (t + 1) * step) % vocabulary);
    }
  }
}

static double train(kyrtos_trainer* trainer, int rank) {
  static int32_t inputs[sequences][length], targets[sequences][length];
  kyrtos_batch const batch = {
      .inputs = {.data = inputs, .type = KYRTOS_INT32, .rank = 2, .extents = {sequences, length}},
      .targets = {.data = targets, .type = KYRTOS_INT32, .rank = 2, .extents = {sequences, length}},
  };
  unsigned random = 1u + (unsigned)rank;
  double first = 0;
  kyrtos_step report = {0};
  fill(inputs, targets, &random);
  CHECK(kyrtos_trainer_watch(trainer, &batch), kyrtos_trainer_error(trainer));
  for (int i = 0; i < steps; ++i) {
    fill(inputs, targets, &random);
    double const rate = i < 10 ? 1e-3 * (i + 1) : 1e-2;
    CHECK(kyrtos_trainer_step(trainer, &batch, 1, rate, &report), kyrtos_trainer_error(trainer));
    if (i == 0) first = report.loss;
    if (rank == 0 && report.step % 20 == 0)
      printf("step %lld  loss %.4f  sharpness %.3g, %.2f of its threshold\n",
             (long long)report.step, report.loss, report.sharpness.lambda,
             report.sharpness.threshold_ratio);
  }
  return report.loss / first;
}

int main(int argc, char** argv) {
  int rank = 0;
  kyrtos_context* context = NULL;
  kyrtos_model* model = NULL;
  kyrtos_trainer* trainer = NULL;
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  CHECK(kyrtos_start_kokkos(), "Kokkos does not start");

  CHECK(kyrtos_context_create(MPI_COMM_WORLD, NULL, &context), kyrtos_context_error(context));
  CHECK(kyrtos_model_create(context, config, KYRTOS_FLOAT32, &model),
        kyrtos_context_error(context));
  CHECK(kyrtos_model_initialize(model, 1), kyrtos_model_error(model));
  CHECK(kyrtos_trainer_create(model, &trainer), kyrtos_model_error(model));
  double const ratio = train(trainer, rank);
  if (argc > 1) CHECK(kyrtos_trainer_save(trainer, argv[1]), kyrtos_trainer_error(trainer));
  if (rank == 0) printf("the loss fell to %.3f of the first\n", ratio);

  kyrtos_trainer_destroy(trainer);
  kyrtos_model_destroy(model);
  kyrtos_context_destroy(context);
  kyrtos_stop_kokkos();
  MPI_Finalize();
  return ratio < 1.0 / 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
