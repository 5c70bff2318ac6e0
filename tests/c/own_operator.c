// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A solver of its own follows the stiffness of its own equations: explicit Euler steps for species
// that decay, y' = −k∘y, at rates k of which the largest grows. docs/embedding.md shows parts.

#include <kyrtos/kyrtos.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { species = 100, steps = 200 };

typedef struct solver {
  double rate[species], amount[species];
  double dt;
  int step;
} solver;

static void check(int holds, const char* what) {
  if (holds) return;
  fprintf(stderr, "wrong: %s\n", what);
  exit(1);
}

static void start(solver* s) {
  for (int i = 0; i < species; ++i) {
    s->rate[i] = 10.0 * i / species;
    s->amount[i] = 1;
  }
  s->dt = 0.05;
  s->step = 0;
}

/// One Euler step; afterwards the fastest species decays by 2 % faster. \return whether there are
/// more.
static int time_step(solver* s) {
  for (int i = 0; i < species; ++i) s->amount[i] -= s->dt * s->rate[i] * s->amount[i];
  s->rate[species - 1] = 20 * pow(1.02, ++s->step);
  return s->step < steps;
}

/// y ← A x with A = diag(k), the negative Jacobian.
static int apply(void* user, void* stream, int64_t size, const void* x, void* y) {
  const solver* s = user;
  (void)stream;
  for (int64_t i = 0; i < size; ++i) ((double*)y)[i] = s->rate[i] * ((const double*)x)[i];
  return 0;
}

int main(int argc, char** argv) {
  kyrtos_context* context;
  kyrtos_operator* op;
  kyrtos_tracker* tracker;
  kyrtos_sharpness report = {0};
  solver solver;

  MPI_Init(&argc, &argv);
  check(kyrtos_start_kokkos() == KYRTOS_OK, "Kokkos starts");
  check(kyrtos_context_create(MPI_COMM_SELF, NULL, &context) == KYRTOS_OK, "context");
  start(&solver);
  kyrtos_operator_create(context, species, KYRTOS_FLOAT64, KYRTOS_HOST, apply, &solver, &op);
  kyrtos_tracker_create(op, NULL, &tracker);
  while (time_step(&solver)) {
    kyrtos_tracker_update(tracker, solver.dt, &report);
    if (report.threshold_ratio > 0.9) solver.dt /= 2;
  }
  double const fastest = 20 * pow(1.02, steps - 1);  // when it was last looked at
  printf("lambda %.3f, exact %.3f, time step %g\n", report.lambda, fastest, solver.dt);
  check(fabs(report.lambda / fastest - 1) < 1e-3, "the largest rate");
  check(solver.dt < 0.05 && solver.dt * fastest < 2, "a stable time step");
  for (int i = 0; i < species; ++i) check(fabs(solver.amount[i]) <= 1, "no species explodes");
  kyrtos_tracker_destroy(tracker);
  kyrtos_operator_destroy(op);
  kyrtos_context_destroy(context);
  check(kyrtos_stop_kokkos() == KYRTOS_OK, "Kokkos stops");
  MPI_Finalize();
  return 0;
}
