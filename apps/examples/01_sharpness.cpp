// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A program of its own, with its own MPI, Kokkos and data, follows the sharpness of a Transformer.

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/curvature/model_operators.hpp>
#include <kyrtos/curvature/tracker.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include <cstdio>

namespace {

/// One sequence of 32 tokens, each with the next one as its target.
kyrtos::layers::Batch<float> some_batch(Kokkos::View<kyrtos::Token*> const& tokens) {
  Kokkos::parallel_for(
      tokens.size(), KOKKOS_LAMBDA(int i) { tokens(i) = i * i % 64; });
  kyrtos::layers::Batch<float> batch{.shape = {1, 32}};
  batch.inputs = kyrtos::slice(tokens, 0, 32);
  batch.targets = kyrtos::slice(tokens, 1, 32);
  batch.weight = 1.0 / 32;  // so that the loss is a mean
  return batch;
}

void follow_sharpness(kyrtos::layers::Batch<float> const& batch) {
  kyrtos::Context<> const context(MPI_COMM_SELF);  // where work happens, made by you
  kyrtos::TransformerConfig const config{
      .vocabulary = 64, .context = 32, .depth = 2, .width = 64, .heads = 4};
  kyrtos::Transformer<float> const model(config);
  auto const theta = kyrtos::allocate<float>(context, "theta", model.layout().size());
  auto const gradient = kyrtos::allocate<float>(context, "gradient", model.layout().size());
  model.initialize(context, /*seed=*/1, theta);

  kyrtos::TransformerWorkspace<float> memory(context, model, batch.shape, {.tangents = true});
  kyrtos::curvature::ModelOperator<float> hessian(context, kyrtos::curvature::ModelMatrix::hessian,
                                                  model, memory, theta, {batch});
  double const step = 0.05;  // gradient descent is stable below λ = 2/step
  kyrtos::curvature::CurvatureTracker<float> tracker(context, hessian, {2.0});
  for (int i = 0; i < 20; ++i) {
    kyrtos::linalg::fill(context, gradient, 0);
    double const loss = model.gradient(memory, theta, batch, gradient);
    kyrtos::linalg::axpy(context, -step, gradient, theta);
    auto const sharpness = tracker.update(step);
    std::printf("loss %.3f  sharpness %.1f\n", loss, sharpness.lambda.value_or(0));
  }
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize(argc, argv);
  follow_sharpness(some_batch(Kokkos::View<kyrtos::Token*>("tokens", 33)));
  Kokkos::finalize();
  MPI_Finalize();
}
