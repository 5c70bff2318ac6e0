// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A program with its own MPI, Kokkos and data trains a Transformer and watches its curvature.

#include <kyrtos/kyrtos.hpp>

#include <cstdio>

void train(kyrtos::Batch<float> const& batch) {
  kyrtos::Context<> const context(MPI_COMM_SELF);  // where work happens, made by you
  kyrtos::model::Transformer<float> const model(
      {.vocabulary = 64, .context = 32, .depth = 2, .width = 64, .heads = 4});
  kyrtos::model::Parameters<float> theta(context, model);
  theta.initialize(model, /*seed=*/1);
  kyrtos::model::Objective<float> loss(context, model, theta);
  kyrtos::optim::AdamW<float> adam(context, model.layout());
  kyrtos::train::Trainer<float> trainer(loss, adam);
  trainer.watch({batch});  // follow the sharpness of the loss on this batch
  for (int i = 0; i < 20; ++i) {
    auto const step = trainer.step({batch}, /*learning_rate=*/1e-3);
    std::printf("loss %.3f  λη/threshold %.2f\n", step.loss,
                step.sharpness->threshold_ratio.value_or(0));
  }
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize(argc, argv);
  {
    Kokkos::View<kyrtos::Token*> const tokens("tokens", 33);
    Kokkos::parallel_for(
        33, KOKKOS_LAMBDA(int i) { tokens(i) = i * i % 64; });
    train({.shape = {1, 32},  // one sequence of 32 tokens, each with the next one as its target
           .inputs = kyrtos::slice(tokens, 0, 32),
           .targets = kyrtos::slice(tokens, 1, 32),
           .weight = 1.0 / 32});  // so that the loss is a mean
  }
  Kokkos::finalize();
  MPI_Finalize();
}
