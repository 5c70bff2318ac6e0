// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A program of its own, with its own MPI and Kokkos, follows the sharpness of a Transformer.

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/model_operators.hpp>
#include <kyrtos/curvature/tracker.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <cstdio>

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize(argc, argv);
  {
    kyrtos::Context<> const context(MPI_COMM_SELF);  // where work happens, made by you
    kyrtos::TransformerConfig config{.vocabulary = 64, .context = 32, .depth = 2, .width = 64};
    config.heads = 4;
    kyrtos::Transformer<float> const model(config);
    auto const theta = kyrtos::allocate<float>(context, "theta", model.layout().size());
    auto const gradient = kyrtos::allocate<float>(context, "gradient", model.layout().size());
    auto const tokens = kyrtos::allocate<kyrtos::Token>(context, "tokens", 33);
    model.initialize(context, /*seed=*/1, theta);
    Kokkos::parallel_for(
        33, KOKKOS_LAMBDA(int i) { tokens(i) = i * i % 64; });
    kyrtos::layers::Batch<float> batch{.shape = {1, 32}};
    batch.inputs = kyrtos::slice(tokens, 0, 32);
    batch.targets = kyrtos::slice(tokens, 1, 32);
    batch.weight = 1.0 / 32;

    kyrtos::TransformerWorkspace<float> memory(context, model, {1, 32}, {.tangents = true});
    using kyrtos::curvature::ModelMatrix;
    kyrtos::curvature::ModelOperator<float> hessian(ModelMatrix::hessian, model, memory, theta,
                                                    {batch});
    kyrtos::curvature::CurvatureTracker<float> tracker(context, hessian, {2.0});
    double const step = 0.05;
    for (int i = 0; i < 20; ++i) {  // gradient descent is stable below λ = 2/step
      kyrtos::linalg::fill(context, gradient, 0);
      double const loss = model.gradient(memory, theta, batch, gradient);
      kyrtos::linalg::axpy(context, -step, gradient, theta);
      auto const sharpness = tracker.update(step);
      std::printf("loss %.3f  sharpness %.1f\n", loss, sharpness.lambda.value_or(0));
    }
  }
  Kokkos::finalize();
  MPI_Finalize();
}
