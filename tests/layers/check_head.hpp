// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "../support/dual.hpp"
#include "checks.hpp"
#include "head_passes.hpp"

#include <cmath>
#include <lapacke.h>
#include <limits>
#include <type_traits>
#include <vector>

/// \file
/// \brief The contract of a head, checked in one call against its plain-loop reference.
///
/// A reference holds the targets and has two functions on any number type: the outputs
/// `z = outputs(shape, x, θ)`, and the loss of all of them, `ℓ = loss(z)`.

namespace kyrtos::testing {

template <class Scalar>
class HeadCheck {
 public:
  using Head = layers::OutputLayer<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;

  HeadCheck(Head const& head, Batch const& batch) : head_(head), batch_(batch) {
    auto const in = static_cast<std::size_t>(head.in_features());
    auto const x = static_cast<std::size_t>(batch.shape.tokens()) * in;
    auto const weights = static_cast<std::size_t>(head.out_features()) * in;
    std::size_t biases = 0;  // A tied head has no segments, but θ is its weight all the same.
    for (auto const& spec : head.parameters())
      if (spec.name == "bias") biases = static_cast<std::size_t>(count_elements(spec.shape));
    parts_ = {{"x", x}, {"weight", weights}, {"bias", biases}};
    in_ = {random_numbers<Scalar>(x, 1), random_numbers<Scalar>(weights + biases, 3),
           random_numbers<Scalar>(x, 2), random_numbers<Scalar>(weights + biases, 4)};
  }

  /// \param tolerance relative to the norm of what is compared, in units of machine precision.
  template <class Reference>
  void run(Reference const& reference, double tolerance) const {
    tolerance *= static_cast<double>(std::numeric_limits<Scalar>::epsilon());
    HeadOutputs const out = run(), gauss_newton = run({.gauss_newton = true});
    check_forward(reference, out, tolerance);
    check_backward(reference, out, gauss_newton, tolerance);
    check_same_bits(out);
    check_asking(out, gauss_newton);
    check_accumulation(out, tolerance);
    check_symmetry(false);
    check_symmetry(true);
    check_semidefinite();
    if constexpr (std::is_same_v<Scalar, double>) check_taylor();
    check_manners();
  }

 private:
  HeadOutputs run(HeadInputs const& in, HeadRun const& how) const {
    return HeadPasses<Scalar>(poisoned_, head_, batch_, in, how)();
  }
  HeadOutputs run(HeadRun const& how = {}) const { return run(in_, how); }

  /// z at (x + ε₁ẋ + ε₂δx, θ + ε₁u + ε₂δθ)
  template <class Reference>
  std::vector<Dual2> outputs(Reference const& reference, Numbers const& delta) const {
    std::vector<Dual2> x, theta;
    for (std::size_t i = 0; i < in_.x.size(); ++i)
      x.push_back(seed(in_.x[i], in_.x_dot[i], delta[i]));
    for (std::size_t i = 0; i < in_.theta.size(); ++i)
      theta.push_back(seed(in_.theta[i], in_.u[i], delta[x.size() + i]));
    return reference.outputs(batch_.shape, x, theta);
  }

  template <class Reference>
  void check_forward(Reference const& reference, HeadOutputs const& out, double tolerance) const {
    auto const z = outputs(reference, Numbers(in_.x.size() + in_.theta.size(), 0.0));
    Dual2 const loss = reference.loss(z);
    CHECK(near(out.loss, number(loss), tolerance));
    CHECK(near(out.loss_dot, along_first(loss), tolerance));
    Numbers plain;
    for (Dual2 const& v : z) plain.push_back(number(v));
    CHECK(near(HeadPasses<Scalar>(poisoned_, head_, batch_, in_, {}).outputs(), plain, tolerance));
  }

  /// Gradient, Hessian and Gauss-Newton product: for the last, z is made linear in (x, θ) by
  /// forgetting its second derivatives.
  template <class Reference>
  void check_backward(Reference const& reference, HeadOutputs const& out,
                      HeadOutputs const& gauss_newton, double tolerance) const {
    auto const slopes = [&](Numbers const& delta) {
      auto z = outputs(reference, delta);
      Dual2 const loss = reference.loss(z);
      for (Dual2& v : z) v.tangent.tangent = 0;
      return Numbers{along_second(loss), along_both(loss), along_both(reference.loss(z))};
    };
    check_slopes({{"gradient", joined(out.dx, out.dtheta)},
                  {"Hessian product", joined(out.dx_dot, out.hu)},
                  {"Gauss-Newton product", joined(gauss_newton.dx_dot, gauss_newton.hu)}},
                 parts_, tolerance, slopes);
  }

  /// Repeated, and without poison in the scratch memory; no input is touched.
  void check_same_bits(HeadOutputs const& out) const {
    CHECK(run() == out);
    HeadPasses<Scalar> const plain(plain_, head_, batch_, in_, {});
    CHECK(plain() == out);
    CHECK(plain.inputs() == in_);
  }

  /// Whatever is asked for comes out the same, whatever else is asked for.
  void check_asking(HeadOutputs const& hessian, HeadOutputs const& gauss_newton) const {
    for (unsigned asked = 0; asked < 64; ++asked) {
      auto const bit = [&](unsigned k) { return (asked >> k & 1u) != 0; };
      HeadRun const how{bit(0), bit(1), bit(2), bit(2) && bit(3), bit(2) && bit(4), bit(5)};
      HeadOutputs wanted = how.gauss_newton ? gauss_newton : hessian;
      if (!how.dx) wanted.dx.clear();
      if (!how.dtheta) wanted.dtheta.clear();
      if (!how.tangent) wanted.loss_dot = 0;
      if (!how.dx_dot) wanted.dx_dot.clear();
      if (!how.hu) wanted.hu.clear();
      INFO("dx " << how.dx << ", dtheta " << how.dtheta << ", tangent " << how.tangent
                 << ", dx_dot " << how.dx_dot << ", hu " << how.hu << ", Gauss-Newton "
                 << how.gauss_newton);
      CHECK(run(how) == wanted);
    }
  }

  /// dθ and Hu are added to; dx and dẋ, full of NaN before, have been overwritten.
  void check_accumulation(HeadOutputs const& out, double tolerance) const {
    Numbers const start = random_numbers<Scalar>(in_.theta.size(), 8);
    HeadOutputs const more = run({.start = start});
    CHECK(near(more.dtheta, plus(start, 1, out.dtheta), tolerance));
    CHECK(near(more.hu, plus(start, 1, out.hu), tolerance));
    CHECK(more.dx == out.dx);
    CHECK(more.dx_dot == out.dx_dot);
  }

  /// The loss at z = (x, θ), its gradient, and H or the Gauss-Newton matrix times a direction.
  struct Expansion {
    double loss;
    Numbers gradient, product;
  };
  Expansion expand(Numbers const& z, Numbers const& direction, bool gauss_newton = false) const {
    std::size_t const n = in_.x.size(), parameters = in_.theta.size();
    HeadOutputs const out = run({piece(z, 0, n), piece(z, n, parameters), piece(direction, 0, n),
                                 piece(direction, n, parameters)},
                                {.gauss_newton = gauss_newton});
    return {out.loss, joined(out.dx, out.dtheta), joined(out.dx_dot, out.hu)};
  }

  /// ⟨v, Aw⟩ = ⟨w, Av⟩
  void check_symmetry(bool gauss_newton) const {
    Numbers const z = joined(in_.x, in_.theta);
    Numbers const v = random_numbers<Scalar>(z.size(), 51),
                  w = random_numbers<Scalar>(z.size(), 52);
    Numbers const av = expand(z, v, gauss_newton).product, aw = expand(z, w, gauss_newton).product;
    double const precision = std::is_same_v<Scalar, double> ? 1e-12 : 1e-4;
    CHECK(std::abs(dot(v, aw) - dot(w, av)) <= precision * norm(v) * norm(aw));
  }

  /// The whole Gauss-Newton matrix, where it is small: no eigenvalue is negative, some is not 0.
  void check_semidefinite() const {
    Numbers const z = joined(in_.x, in_.theta);
    constexpr std::size_t few = 120;
    if (z.size() > few) return;
    Numbers matrix, eigenvalues(z.size());
    for (std::size_t k = 0; k < z.size(); ++k) {
      Numbers direction(z.size(), 0.0);
      direction[k] = 1;
      matrix = joined(std::move(matrix), expand(z, direction, true).product);
    }
    auto const n = static_cast<int>(z.size());
    REQUIRE(LAPACKE_dsyev(LAPACK_COL_MAJOR, 'N', 'U', n, matrix.data(), n, eigenvalues.data()) ==
            0);
    double const largest = eigenvalues.back();
    CHECK(largest > 0);
    CHECK(eigenvalues.front() >= -rounding<Scalar>() * largest);
  }

  /// ℓ(z + εv) - ℓ(z) - ε⟨g, v⟩ and g(z + εv) - g(z) - εHv vanish with ε², not with ε.
  void check_taylor() const {
    Numbers const z = joined(in_.x, in_.theta);
    Numbers v = random_numbers<double>(z.size(), 53);
    v = plus(Numbers(v.size(), 0.0), 1 / norm(v), v);
    Expansion const here = expand(z, v);
    double remainder[2], gradient_remainder[2];
    for (int k = 0; k < 2; ++k) {
      double const step = k == 0 ? 1e-2 : 1e-3;
      Expansion const there = expand(plus(z, step, v), v);
      remainder[k] = std::abs(there.loss - here.loss - step * dot(here.gradient, v));
      gradient_remainder[k] =
          norm(plus(plus(there.gradient, -1, here.gradient), -step, here.product));
    }
    CHECK(std::log10(remainder[0] / remainder[1]) > 1.9);
    CHECK(std::log10(gradient_remainder[0] / gradient_remainder[1]) > 1.9);
  }

  /// run() waits where the losses come back, and (matrix products on hosts aside) nowhere else.
  void check_manners() const {
    std::string const kind = "kyrtos::" + head_.kind() + "::";
    Manners const manners{{kind, "kyrtos::projection_head::", "kyrtos::linalg::sum", "KokkosBlas"},
                          {"kyrtos::linalg::gemm", "kyrtos::linalg::sum"},
                          {"kyrtos::reduction_mirror", "kyrtos::reduction"}};
    for (HeadRun const& how : {HeadRun{}, HeadRun{.tangent = false, .dx_dot = false, .hu = false},
                               HeadRun{.gauss_newton = true}}) {
      HeadPasses<Scalar> const passes(plain_, head_, batch_, in_, how);
      passes();  // scratch has its size now
      manners.check(plain_, kind + "passes", [&] { passes.only(); });
    }
  }

  Head const& head_;
  Batch batch_;
  std::vector<Part> parts_;
  HeadInputs in_;
  Context<Space> poisoned_{MPI_COMM_SELF, {.gemm = {}, .poison_scratch = true}};
  Context<Space> plain_{MPI_COMM_SELF};
};

/// Checks the whole contract of a head for one batch.
template <class Scalar, class Reference>
void check_head(layers::OutputLayer<Scalar, Space> const& head, Batch<Scalar, Space> const& batch,
                Reference const& reference, double tolerance = 200) {
  INFO(head.kind() << ", " << batch.shape.batch << " sequences of " << batch.shape.length);
  HeadCheck<Scalar>(head, batch).run(reference, tolerance);
}

}  // namespace kyrtos::testing
