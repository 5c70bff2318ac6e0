// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include "../support/dual.hpp"
#include "checks.hpp"
#include "layer_passes.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

/// \file
/// \brief The contract of a layer, checked in one call against its plain-loop reference.
///
/// A reference is a callable `y = f(shape, x, θ)` on std::vectors of any number type; evaluated on
/// dual numbers it gives the first and second derivatives that the four passes must agree with.

namespace kyrtos::testing {

template <class Scalar>
class LayerCheck {
 public:
  using Layer = layers::Layer<Scalar, Space>;

  LayerCheck(Layer const& layer, SequenceShape shape) : layer_(layer), shape_(shape) {
    auto const x = static_cast<std::size_t>(shape.tokens() * layer.in_features());
    auto const y = static_cast<std::size_t>(shape.tokens() * layer.out_features());
    parts_.push_back({"x", x});
    for (auto const& spec : layer.parameters())
      parts_.push_back({spec.name, static_cast<std::size_t>(count_elements(spec.shape))});
    std::size_t parameters = 0;
    for (auto const& part : parts_) parameters += part.size;
    parameters -= x;
    in_ = {random_numbers<Scalar>(x, 1), random_numbers<Scalar>(parameters, 3),
           random_numbers<Scalar>(x, 2), random_numbers<Scalar>(parameters, 4),
           random_numbers<Scalar>(y, 5), random_numbers<Scalar>(y, 6)};
  }

  /// \param tolerance relative to the norm of what is compared, in units of machine precision.
  template <class Reference>
  void run(Reference const& reference, double tolerance) const {
    tolerance *= static_cast<double>(std::numeric_limits<Scalar>::epsilon());
    LayerOutputs const out = passes();
    check_forward(reference, out, tolerance);
    check_backward(reference, out, tolerance);
    check_same_bits(out);
    check_accumulation(out, tolerance);
    check_skipping(out);
    check_addition(out);
    check_symmetry();
    if constexpr (std::is_same_v<Scalar, double>) check_taylor();
    check_manners();
  }

 private:
  LayerOutputs passes(LayerInputs const& in, LayerRun const& how = {}) const {
    return LayerPasses<Scalar>(poisoned_, layer_, shape_, in, how).run();
  }
  LayerOutputs passes(LayerRun const& how = {}) const { return passes(in_, how); }

  /// f at (x + ε₁ẋ + ε₂δx, θ + ε₁u + ε₂δθ)
  template <class Reference>
  std::vector<Dual2> evaluate(Reference const& reference, Numbers const& delta) const {
    std::vector<Dual2> x, theta;
    for (std::size_t i = 0; i < in_.x.size(); ++i)
      x.push_back(seed(in_.x[i], in_.x_dot[i], delta[i]));
    for (std::size_t i = 0; i < in_.theta.size(); ++i)
      theta.push_back(seed(in_.theta[i], in_.u[i], delta[x.size() + i]));
    return reference(shape_, x, theta);
  }

  template <class Reference>
  void check_forward(Reference const& reference, LayerOutputs const& out, double tolerance) const {
    Numbers y, y_dot;
    for (auto const& v : evaluate(reference, Numbers(in_.x.size() + in_.theta.size(), 0.0))) {
      y.push_back(number(v));
      y_dot.push_back(along_first(v));
    }
    CHECK(near(out.y, y, tolerance));
    CHECK(near(out.y_dot, y_dot, tolerance));
  }

  /// (dx, dθ) against ⟨dy, ∂f⟩, and (dẋ, Hu) against its derivative ⟨dẏ, ∂f⟩ + ⟨dy, ∂ḟ⟩.
  template <class Reference>
  void check_backward(Reference const& reference, LayerOutputs const& out, double tolerance) const {
    auto const slopes = [&](Numbers const& delta) {
      auto const f = evaluate(reference, delta);
      double first = 0, second = 0;
      for (std::size_t i = 0; i < f.size(); ++i) {
        first += in_.dy[i] * along_second(f[i]);
        second += in_.dy_dot[i] * along_second(f[i]) + in_.dy[i] * along_both(f[i]);
      }
      return Numbers{first, second};
    };
    check_slopes(
        {{"gradient", joined(out.dx, out.dtheta)}, {"product", joined(out.dx_dot, out.hu)}}, parts_,
        tolerance, slopes);
  }

  /// Repeated, without poison in the scratch memory, in place; and no input is touched.
  void check_same_bits(LayerOutputs const& out) const {
    CHECK(passes() == out);
    LayerPasses<Scalar> const plain(plain_, layer_, shape_, in_, {});
    CHECK(plain.run() == out);
    CHECK(plain.inputs() == in_);
    CHECK(plain.y() == out.y);
    if (layer_.in_place()) CHECK(passes({.in_place = true}) == out);
  }

  /// dθ and Hu are added to; dx and dẋ, full of NaN before, have been overwritten.
  void check_accumulation(LayerOutputs const& out, double tolerance) const {
    Numbers const start = random_numbers<Scalar>(in_.theta.size(), 8);
    LayerOutputs const more = passes({.start = start});
    CHECK(near(more.dtheta, plus(start, 1, out.dtheta), tolerance));
    CHECK(near(more.hu, plus(start, 1, out.hu), tolerance));
    CHECK(more.dx == out.dx);
    CHECK(more.dx_dot == out.dx_dot);
  }

  /// What nobody asks for is neither computed nor changes the rest.
  void check_skipping(LayerOutputs const& out) const {
    Numbers const zeros(in_.theta.size(), 0.0);
    LayerOutputs const without_x = passes({.skip_x = true});
    CHECK(without_x.dtheta == out.dtheta);
    CHECK(without_x.hu == out.hu);
    LayerOutputs const without_theta = passes({.skip_theta = true});
    CHECK(without_theta.dx == out.dx);
    CHECK(without_theta.dx_dot == out.dx_dot);
    CHECK(without_theta.dtheta == zeros);
    CHECK(without_theta.hu == zeros);
    CHECK(passes({.skip_x = true, .skip_theta = true}).y == out.y);
  }

  /// What joins y, ẏ, dx and dẋ is added to these, and changes nothing else.
  void check_addition(LayerOutputs const& out) const {
    constexpr double tolerance = 8 * static_cast<double>(std::numeric_limits<Scalar>::epsilon());
    LayerRun how;
    auto expected = out;
    auto const add = [](Numbers& given, Numbers& to, std::uint64_t seed) {
      given = random_numbers<Scalar>(to.size(), seed);
      to = plus(to, 1, given);
    };
    if (layer_.adds_to_output()) {
      add(how.residual, expected.y, 61);
      add(how.residual_dot, expected.y_dot, 62);
    }
    if (layer_.adds_to_adjoint()) {
      add(how.joining, expected.dx, 63);
      add(how.joining_dot, expected.dx_dot, 64);
    }
    auto const found = passes(how);
    CHECK(near(found.y, expected.y, tolerance));
    CHECK(near(found.y_dot, expected.y_dot, tolerance));
    CHECK(near(found.dx, expected.dx, tolerance));
    CHECK(near(found.dx_dot, expected.dx_dot, tolerance));
    CHECK(found.dtheta == out.dtheta);
    CHECK(found.hu == out.hu);
  }

  /// The loss ℓ(z) = Σ cᵢ sin f(z)ᵢ, its gradient, and its Hessian times a direction.
  struct Loss {
    double value = 0;
    Numbers gradient, product;
  };
  Loss loss(Numbers const& z, Numbers const& direction) const {
    std::size_t const n = in_.x.size(), parameters = in_.theta.size();
    LayerInputs in{piece(z, 0, n),
                   piece(z, n, parameters),
                   piece(direction, 0, n),
                   piece(direction, n, parameters),
                   in_.dy,
                   in_.dy_dot};
    LayerOutputs const f = passes(in);
    Loss result;
    for (std::size_t i = 0; i < f.y.size(); ++i) {
      double const c = in_.dy[i];
      result.value += c * std::sin(f.y[i]);
      in.dy[i] = c * std::cos(f.y[i]);
      in.dy_dot[i] = -c * std::sin(f.y[i]) * f.y_dot[i];
    }
    LayerOutputs const back = passes(in);
    result.gradient = joined(back.dx, back.dtheta);
    result.product = joined(back.dx_dot, back.hu);
    return result;
  }

  /// ⟨v, Hw⟩ = ⟨w, Hv⟩
  void check_symmetry() const {
    Numbers const z = joined(in_.x, in_.theta);
    Numbers const v = random_numbers<Scalar>(z.size(), 51),
                  w = random_numbers<Scalar>(z.size(), 52);
    Numbers const hv = loss(z, v).product, hw = loss(z, w).product;
    double const precision = std::is_same_v<Scalar, double> ? 1e-12 : 1e-4;
    CHECK(std::abs(dot(v, hw) - dot(w, hv)) <= precision * norm(v) * norm(hw));
  }

  /// ℓ(z + εv) - ℓ(z) - ε⟨g, v⟩ and g(z + εv) - g(z) - εHv vanish with ε², not with ε.
  void check_taylor() const {
    Numbers const z = joined(in_.x, in_.theta);
    Numbers v = random_numbers<double>(z.size(), 53);
    v = plus(Numbers(v.size(), 0.0), 1 / norm(v), v);
    Loss const here = loss(z, v);
    double remainder[2], gradient_remainder[2];
    for (int k = 0; k < 2; ++k) {
      double const step = k == 0 ? 1e-2 : 1e-3;
      Loss const there = loss(plus(z, step, v), v);
      remainder[k] = std::abs(there.value - here.value - step * dot(here.gradient, v));
      gradient_remainder[k] =
          norm(plus(plus(there.gradient, -1, here.gradient), -step, here.product));
    }
    CHECK(std::log10(remainder[0] / remainder[1]) > 1.9);
    CHECK(std::log10(gradient_remainder[0] / gradient_remainder[1]) > 1.9);
  }

  /// Kernels carry the names of layer and pass, run on the caller's instance, wait for nothing
  /// (but matrix products on hosts), and after the first time allocate nothing.
  void check_manners() const {
    LayerPasses<Scalar> const passes(plain_, layer_, shape_, in_, {});
    passes.run();  // scratch has its size now
    std::string const kind = "kyrtos::" + layer_.kind() + "::";
    check_manners(kind + "forward", [&] { passes.forward(); });
    check_manners(kind + "tangent_forward", [&] { passes.tangent_forward(); });
    check_manners(kind + "backward", [&] { passes.backward(); });
    check_manners(kind + "tangent_backward", [&] { passes.tangent_backward(); });
  }
  template <class Pass>
  void check_manners(std::string const& name, Pass const& pass) const {
    Manners{{name, "KokkosBlas", "kyrtos::linalg::gemm"}, {"kyrtos::linalg::gemm"}}.check(
        plain_, name, pass);
  }

  Layer const& layer_;
  SequenceShape shape_;
  std::vector<Part> parts_;
  LayerInputs in_;
  Context<Space> poisoned_{MPI_COMM_SELF, {.gemm = {}, .poison_scratch = true}};
  Context<Space> plain_{MPI_COMM_SELF};
};

/// Checks the whole contract of a layer for batches of one shape.
template <class Scalar, class Reference>
void check_layer(layers::Layer<Scalar, Space> const& layer, SequenceShape shape,
                 Reference const& reference, double tolerance = 200) {
  INFO(layer.kind() << ", " << shape.batch << " sequences of " << shape.length);
  LayerCheck<Scalar>(layer, shape).run(reference, tolerance);
}

}  // namespace kyrtos::testing
