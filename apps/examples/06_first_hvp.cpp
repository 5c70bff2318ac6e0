// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The product Hu of a small Transformer's Hessian and a random direction u, compared with a central
// difference of gradients; then the Hessian's largest eigenvalue. docs/first_hvp.md explains it.

#include <kyrtos/core/random.hpp>
#include <kyrtos/kyrtos.hpp>

#include <cstdio>

double first_hvp() {
  kyrtos::Context<> const context(MPI_COMM_SELF);
  kyrtos::model::Transformer<double> const model(
      {.vocabulary = 64, .context = 32, .depth = 2, .width = 32, .heads = 4});
  kyrtos::model::Parameters<double> theta(context, model);
  theta.initialize(model, /*seed=*/1);

  Kokkos::View<kyrtos::Token*> const tokens("tokens", 33);
  Kokkos::parallel_for(
      33, KOKKOS_LAMBDA(int i) { tokens(i) = i * i % 64; });
  kyrtos::Batch<double> const batch{.shape = {1, 32},
                                    .inputs = kyrtos::slice(tokens, 0, 32),
                                    .targets = kyrtos::slice(tokens, 1, 32),
                                    .weight = 1.0 / 32};
  kyrtos::model::Objective<double> objective(context, model, theta);
  objective.set_batches({batch});

  auto const n = static_cast<int>(model.layout().size());
  Kokkos::View<double*> const u("u", n), hu("Hu", n), plus("plus", n), minus("minus", n);
  Kokkos::parallel_for(
      n, KOKKOS_LAMBDA(int i) { u(i) = kyrtos::Philox{1}.normal(i); });
  auto const [loss, slope] = objective.hvp(u, hu);
  std::printf("%d parameters, loss %.6f, slope along u %.6f\n", n, loss, slope);

  using namespace kyrtos::linalg;
  double const epsilon = 1e-6;
  auto const gradient_at = [&](double shift, auto const& gradient) {  // at θ + shift·u
    axpy(context, shift, u, theta.own());
    theta.changed();
    objective.gradient(gradient);
    axpy(context, -shift, u, theta.own());
    theta.changed();
  };
  gradient_at(epsilon, plus);
  gradient_at(-epsilon, minus);
  axpby(context, -0.5 / epsilon, minus, 0.5 / epsilon, plus);  // plus ← (plus - minus)/(2ε)
  axpy(context, -1, hu, plus);                                 // plus ← plus - Hu
  double const error = norm(context, plus) / norm(context, hu);
  std::printf("|Hu| %.6f, relative distance of the central difference %.1e\n", norm(context, hu),
              error);

  kyrtos::model::CurvatureOperator<double> hessian(objective);
  kyrtos::curvature::PowerIteration<double, Kokkos::DefaultExecutionSpace> power(context, n);
  auto const largest =
      power.solve(hessian, {.target = kyrtos::curvature::Spectrum::largest_algebraic});
  std::printf("largest eigenvalue %.4f, residual %.0e, after %d products\n", largest.value,
              largest.residual, static_cast<int>(largest.hvps));
  return error;
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize(argc, argv);
  double const error = first_hvp();
  Kokkos::finalize();
  MPI_Finalize();
  return error < 1e-6 ? 0 : 1;
}
