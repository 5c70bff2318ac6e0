// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/curvature/lanczos.hpp>
#include <kyrtos/curvature/power_iteration.hpp>
#include <kyrtos/model/objective.hpp>

#include "model_run.hpp"
#include "support/scalar.hpp"

#include <catch2/catch_test_macros.hpp>
#include <lapacke.h>
#include <limits>

// The Hessian of whole models: four ways to a product, Taylor remainders, symmetry, dense
// matrices and their eigenvalues, the Gauss-Newton matrix by its definition.

namespace kyrtos::testing {

inline double const hessian_tolerance = 2000 * std::numeric_limits<Scalar>::epsilon();

TEST_CASE("four ways to a Hessian-vector product agree", "[hessian]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<Scalar> const run(config);
    auto const u = run.random_direction(31);
    auto const together = run.gradient_and_hvp(u), after = run.hvp_after_gradient(u),
               alone = run.hvp(u);
    CHECK(near(after.hu, together.hu, hessian_tolerance));
    CHECK(near(alone.hu, together.hu, hessian_tolerance));
    CHECK(near(after.gradient, together.gradient, hessian_tolerance));
    CHECK(near(run.gradient().gradient, together.gradient, hessian_tolerance));
    CHECK(near(after.derivative, dot(together.gradient, u), hessian_tolerance));
    CHECK(near(alone.derivative, dot(together.gradient, u), hessian_tolerance));
    // Computing activations again is computing the same.
    CHECK(run.gradient_and_hvp(u, /*recompute=*/true) == together);
    CHECK(run.gradient({.recompute = true}) == run.gradient());
  }
}

TEST_CASE("⟨v, Hw⟩ = ⟨w, Hv⟩", "[hessian]") {
  double const precision = is_double ? 1e-12 : 1e-4;
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<Scalar> const run(config);
    auto const v = run.random_direction(32), w = run.random_direction(33);
    auto const hv = run.hvp(v).hu, hw = run.hvp(w).hu;
    CHECK(std::abs(dot(v, hw) - dot(w, hv)) <= precision * norm(v) * norm(hw));
    auto const gv = run.gauss_newton(v), gw = run.gauss_newton(w);
    CHECK(std::abs(dot(v, gw) - dot(w, gv)) <= precision * norm(v) * norm(gw));
  }
}

TEST_CASE("the Gauss-Newton product is its definition, and positive semidefinite", "[hessian]") {
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<Scalar> const run(config);
    auto const u = run.random_direction(34), delta = run.random_direction(35);
    std::vector<Dual1> along_u, along_delta;
    for (std::size_t i = 0; i < run.theta.size(); ++i) {
      along_u.push_back({run.theta[i], u[i]});
      along_delta.push_back({run.theta[i], delta[i]});
    }
    auto const ju = run.reference.outputs(along_u), jd = run.reference.outputs(along_delta);
    std::vector<Dual2> z;  // z + ε₁Ju + ε₂Jδ
    for (std::size_t i = 0; i < ju.size(); ++i)
      z.push_back(seed(ju[i].value, ju[i].tangent, jd[i].tangent));
    double const wanted = along_both(run.reference.loss_of(z));
    auto const gu = run.gauss_newton(u);
    CHECK(std::abs(dot(gu, delta) - wanted) <= hessian_tolerance * norm(gu) * norm(delta));
    CHECK(dot(gu, u) >= 0);
  }
}

TEST_CASE("Taylor remainders of loss and gradient vanish with the square of the step",
          "[hessian]") {
  if (!is_double) SKIP("float's rounding hides the remainders");
  for (auto const& [name, config] : small_models()) {
    INFO(name);
    ModelRun<Scalar> run(config);
    auto direction = run.random_direction(36);
    for (auto const& segment : run.model.layout().segments())
      if (!segment.trained)  // a gate has no derivative
        std::fill_n(direction.begin() + segment.offset, segment.size, 0.0);
    double const length = norm(direction);
    for (double& d : direction) d /= length;
    auto const here = run.gradient_and_hvp(direction);
    Numbers const theta = run.theta;
    double loss_remainder[2], gradient_remainder[2];
    for (int k = 0; k < 2; ++k) {
      double const step = k == 0 ? 1e-2 : 1e-3;
      for (std::size_t i = 0; i < theta.size(); ++i) run.theta[i] = theta[i] + step * direction[i];
      auto there = run.gradient();
      loss_remainder[k] = std::abs(there.loss - here.loss - step * here.derivative);
      for (std::size_t i = 0; i < theta.size(); ++i)
        there.gradient[i] -= here.gradient[i] + step * here.hu[i];
      gradient_remainder[k] = norm(there.gradient);
    }
    CHECK(std::log10(loss_remainder[0] / loss_remainder[1]) > 1.9);
    CHECK(std::log10(gradient_remainder[0] / gradient_remainder[1]) > 1.9);
  }
}

/// The whole matrix, column by column, and its eigenvalues in ascending order.
inline Numbers dense_eigenvalues(curvature::LinearOperator<Scalar, Space>& op,
                                 Context<Space> const& context) {
  auto const n = static_cast<std::size_t>(op.size());
  Numbers matrix;
  for (std::size_t j = 0; j < n; ++j) {
    Numbers e(n, 0.0);
    e[j] = 1;
    auto const column = on_device<Scalar>(e);
    op.apply(context, on_device<Scalar>(e), column);
    auto const values = on_host(column);
    matrix.insert(matrix.end(), values.begin(), values.end());
  }
  double asymmetry = 0, size = 0;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      asymmetry = std::max(asymmetry, std::abs(matrix[i * n + j] - matrix[j * n + i]));
      size = std::max(size, std::abs(matrix[i * n + j]));
    }
  CHECK(asymmetry <= hessian_tolerance * size);
  Numbers values(n);
  auto const order = static_cast<int>(n);
  REQUIRE(LAPACKE_dsyev(LAPACK_COL_MAJOR, 'N', 'U', order, matrix.data(), order, values.data()) ==
          0);
  return values;
}

TEST_CASE("eigenvalues of whole models are those of their dense Hessians", "[hessian]") {
  double const precision = is_double ? 1e-8 : 1e-4;
  for (auto const& model : {model::gpt2_config(), model::llama_config()})
    for (auto const matrix :
         {model::CurvatureMatrix::hessian, model::CurvatureMatrix::gauss_newton}) {
      auto config = small(model);
      config.width = 8;
      config.depth = 1;
      config.mlp_width = 5;
      config.context = 4;
      ModelRun<Scalar> const run(config, {2, 4});
      typename ModelRun<Scalar>::AtTheta at(run);
      model::CurvatureOperator<Scalar, Space> op(at.loss, matrix);
      auto const exact = dense_eigenvalues(op, run.context);
      double const greatest = std::max(std::abs(exact.front()), exact.back());

      curvature::Lanczos<Scalar, Space> lanczos(run.context, op.size(), op.size());
      auto const ends = lanczos.solve(
          op, {.largest = 3, .smallest = 1, .tolerance = is_double ? 1e-6 : 1e-3, .max_hvps = 150});
      for (std::size_t j = 0; j < 3; ++j)
        CHECK(std::abs(ends.largest[j].value - exact[exact.size() - 1 - j]) <=
              precision * greatest);
      CHECK(std::abs(ends.smallest[0].value - exact.front()) <= precision * greatest);

      curvature::PowerIteration<Scalar, Space> power(run.context, op.size());
      auto const largest = power.solve(op, {.target = curvature::Spectrum::largest_algebraic,
                                            .tolerance = is_double ? 1e-5 : 1e-3,
                                            .max_hvps = 3000});
      CHECK(largest.converged);
      CHECK(std::abs(largest.value - exact.back()) <= precision * greatest);
    }
}

}  // namespace kyrtos::testing
