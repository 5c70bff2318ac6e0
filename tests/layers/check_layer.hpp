// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/random.hpp>
#include <kyrtos/layers/layer.hpp>

#include "../support/dual.hpp"
#include "../support/kokkos_watch.hpp"

#include <catch2/catch_test_macros.hpp>
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

using Space = Kokkos::DefaultExecutionSpace;
using Numbers = std::vector<double>;

template <class Scalar>
class LayerCheck {
 public:
  using Layer = layers::Layer<Scalar, Space>;
  using View = Vector<Scalar, Space>;

  LayerCheck(Layer const& layer, SequenceShape shape)
      : layer_(layer), shape_(shape), rows_(shape.tokens()) {
    for (auto const& spec : layer.parameters()) parameters_ += count_elements(spec.shape);
    x_ = draw(rows_ * layer.in_features(), 1);
    x_dot_ = draw(rows_ * layer.in_features(), 2);
    theta_ = draw(parameters_, 3);
    u_ = draw(parameters_, 4);
    dy_ = draw(rows_ * layer.out_features(), 5);
    dy_dot_ = draw(rows_ * layer.out_features(), 6);
  }

  /// \param tolerance relative to the norm of what is compared, in units of machine precision.
  template <class Reference>
  void run(Reference const& reference, double tolerance = 200) const {
    tolerance *= std::numeric_limits<Scalar>::epsilon();
    Result const first = passes({});
    check_against(reference, first, tolerance);
    check_repeats(first);
    check_accumulation(first, tolerance);
    check_skipping(first);
    if (layer_.in_place()) check_same(first, passes({.in_place = true}));
    check_symmetry();
    check_manners();
  }

 private:
  struct Result {
    Numbers y, dx, dtheta, y_dot, dx_dot, hu;
  };
  struct How {
    bool in_place = false;
    bool accumulate = false;
    bool skip = false;  ///< Neither dx nor dθ is asked for.
  };

  static Numbers draw(Index size, std::uint64_t stream) {
    Numbers v(static_cast<std::size_t>(size));
    for (std::size_t i = 0; i < v.size(); ++i)
      v[i] = static_cast<double>(static_cast<Scalar>(Philox{17, stream}.normal(i)));
    return v;
  }
  static View device(Numbers const& v) {
    View d("test", v.size());
    auto const host = Kokkos::create_mirror_view(d);
    for (std::size_t i = 0; i < v.size(); ++i) host(i) = static_cast<Scalar>(v[i]);
    Kokkos::deep_copy(d, host);
    return d;
  }
  static View poisoned(Index size) {
    return device(Numbers(static_cast<std::size_t>(size), std::nan("")));
  }
  static Numbers host(View const& v) {
    auto const h = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), v);
    return Numbers(h.data(), h.data() + h.size());
  }
  static double dot(Numbers const& a, Numbers const& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  }
  static double norm(Numbers const& a) { return std::sqrt(dot(a, a)); }
  static double distance(Numbers a, Numbers const& b) {
    REQUIRE(a.size() == b.size());
    for (std::size_t i = 0; i < a.size(); ++i) a[i] -= b[i];
    return norm(a);
  }

  /// All memory of the four passes, poisoned, and the passes themselves.
  struct Memory {
    Context<Space> context{MPI_COMM_SELF, {.poison_scratch = true}};
    View x, y, saved, x_dot, y_dot, saved_dot, dy, dx, dy_dot, dx_dot, theta, u, dtheta, hu;
    layers::Activation<Scalar, Space> p, t;
    layers::Adjoint<Scalar, Space> a, ta;
  };

  Memory memory(How how) const {
    Memory m;
    Index const in = layer_.in_features(), out = layer_.out_features();
    m.x = device(x_);
    m.x_dot = device(x_dot_);
    m.dy = device(dy_);
    m.dy_dot = device(dy_dot_);
    m.theta = device(theta_);
    m.u = device(u_);
    m.y = how.in_place ? m.x : poisoned(rows_ * out);
    m.y_dot = how.in_place ? m.x_dot : poisoned(rows_ * out);
    m.dx = how.in_place ? m.dy : poisoned(rows_ * in);
    m.dx_dot = how.in_place ? m.dy_dot : poisoned(rows_ * in);
    m.saved = poisoned(layer_.saved_size(shape_));
    m.saved_dot = poisoned(layer_.tangent_saved_size(shape_));
    Numbers const start = how.accumulate ? draw(parameters_, 8) : Numbers(theta_.size(), 0.0);
    m.dtheta = device(start);
    m.hu = device(start);
    m.p = {shape_, as_matrix(m.x, 0, rows_, in), as_matrix(m.y, 0, rows_, out), m.saved};
    m.t = {shape_, as_matrix(m.x_dot, 0, rows_, in), as_matrix(m.y_dot, 0, rows_, out),
           m.saved_dot};
    m.a = {as_matrix(m.dy, 0, rows_, out), as_matrix(m.dx, 0, rows_, in)};
    m.ta = {as_matrix(m.dy_dot, 0, rows_, out), as_matrix(m.dx_dot, 0, rows_, in)};
    if (how.skip) m.a.x = m.ta.x = {};
    return m;
  }

  void four_passes(Memory const& m, bool with_dtheta = true) const {
    using MutableVector = typename Layer::MutableVector;
    layer_.forward(m.context, m.theta, m.p);
    layer_.tangent_forward(m.context, m.theta, m.u, m.p, m.t);
    layer_.backward(m.context, m.theta, m.p, m.a,
                    with_dtheta ? MutableVector(m.dtheta) : MutableVector());
    layer_.tangent_backward(m.context, m.theta, m.u, m.p, m.t, m.a, m.ta, m.hu);
    m.context.fence("test");
  }

  Result passes(How how) const {
    Memory const m = memory(how);
    Result r;
    if (how.in_place) {
      // Results overwrite what they come from: read each before the next pass.
      layer_.forward(m.context, m.theta, m.p);
      layer_.tangent_forward(m.context, m.theta, m.u, m.p, m.t);
      m.context.fence("test");
      r.y = host(m.y);
      r.y_dot = host(m.y_dot);
      layer_.backward(m.context, m.theta, m.p, m.a, m.dtheta);
      layer_.tangent_backward(m.context, m.theta, m.u, m.p, m.t, m.a, m.ta, m.hu);
      m.context.fence("test");
    } else {
      four_passes(m, !how.skip);
      r.y = host(m.y);
      r.y_dot = host(m.y_dot);
    }
    r.dx = host(m.dx);
    r.dx_dot = host(m.dx_dot);
    r.dtheta = host(m.dtheta);
    r.hu = host(m.hu);
    return r;
  }

  /// f at (x + ε₁ẋ + ε₂δx, θ + ε₁u + ε₂δθ)
  template <class Reference>
  std::vector<Dual2> evaluate(Reference const& reference, Numbers const& delta) const {
    std::vector<Dual2> x(x_.size()), theta(theta_.size());
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = seed(x_[i], x_dot_[i], delta[i]);
    for (std::size_t i = 0; i < theta.size(); ++i)
      theta[i] = seed(theta_[i], u_[i], delta[x.size() + i]);
    return reference(shape_, x, theta);
  }

  static Numbers joined(Numbers a, Numbers const& b) {
    a.insert(a.end(), b.begin(), b.end());
    return a;
  }

  template <class Reference>
  void check_against(Reference const& reference, Result const& r, double tolerance) const {
    std::size_t const inputs = x_.size() + theta_.size();
    auto const base = evaluate(reference, Numbers(inputs, 0.0));
    REQUIRE(base.size() == r.y.size());
    Numbers y, y_dot;
    for (auto const& v : base) {
      y.push_back(number(v));
      y_dot.push_back(along_first(v));
    }
    CHECK(distance(r.y, y) <= tolerance * norm(y));
    CHECK(distance(r.y_dot, y_dot) <= tolerance * norm(y_dot));

    // Single coordinates where there are few, otherwise random directions.
    constexpr std::size_t few = 400;
    bool const each = inputs <= few;
    std::size_t const directions = each ? inputs : 24;
    Numbers const back = joined(r.dx, r.dtheta), back_dot = joined(r.dx_dot, r.hu);
    Numbers found, found_dot, wanted, wanted_dot;
    for (std::size_t k = 0; k < directions; ++k) {
      Numbers delta(inputs, 0.0);
      if (each)
        delta[k] = 1;
      else
        delta = draw(static_cast<Index>(inputs), 100 + k);
      auto const f = evaluate(reference, delta);
      double first = 0, second = 0;
      for (std::size_t i = 0; i < f.size(); ++i) {
        first += dy_[i] * along_second(f[i]);
        second += dy_dot_[i] * along_second(f[i]) + dy_[i] * along_both(f[i]);
      }
      found.push_back(dot(back, delta));
      found_dot.push_back(dot(back_dot, delta));
      wanted.push_back(first);
      wanted_dot.push_back(second);
    }
    CHECK(distance(found, wanted) <= tolerance * norm(wanted));
    CHECK(distance(found_dot, wanted_dot) <= tolerance * norm(wanted_dot));
  }

  static void check_same(Result const& a, Result const& b) {
    CHECK(a.y == b.y);
    CHECK(a.y_dot == b.y_dot);
    CHECK(a.dx == b.dx);
    CHECK(a.dx_dot == b.dx_dot);
    CHECK(a.dtheta == b.dtheta);
    CHECK(a.hu == b.hu);
  }
  void check_repeats(Result const& first) const { check_same(first, passes({})); }

  void check_accumulation(Result const& first, double tolerance) const {
    Result const more = passes({.accumulate = true});
    Numbers const start = draw(parameters_, 8);
    Numbers dtheta = start, hu = start;
    for (std::size_t i = 0; i < start.size(); ++i) {
      dtheta[i] += first.dtheta[i];
      hu[i] += first.hu[i];
    }
    CHECK(distance(more.dtheta, dtheta) <= tolerance * norm(dtheta));
    CHECK(distance(more.hu, hu) <= tolerance * norm(hu));
  }

  void check_skipping(Result const& first) const {
    if (layer_.in_place()) return;
    Result const skipped = passes({.skip = true});
    CHECK(skipped.hu == first.hu);
    CHECK(skipped.dtheta == Numbers(theta_.size(), 0.0));
  }

  /// With a constant dy, (ẋ, u) ↦ (dẋ, dθ̇) at dẏ = 0 is the Hessian of ⟨dy, f⟩: symmetric.
  void check_symmetry() const {
    LayerCheck v = *this, w = *this;
    v.dy_dot_.assign(dy_dot_.size(), 0.0);
    w.dy_dot_ = v.dy_dot_;
    w.x_dot_ = draw(static_cast<Index>(x_.size()), 51);
    w.u_ = draw(parameters_, 52);
    Result const rv = v.passes({}), rw = w.passes({});
    Numbers const hv = joined(rv.dx_dot, rv.hu), hw = joined(rw.dx_dot, rw.hu);
    Numbers const a = joined(v.x_dot_, v.u_), b = joined(w.x_dot_, w.u_);
    double const precision = std::is_same_v<Scalar, double> ? 1e-12 : 1e-4;
    CHECK(std::abs(dot(b, hv) - dot(a, hw)) <= precision * (norm(b) * norm(hv) + 1e-300));
  }

  /// Kernels carry the layer's name, run on the caller's instance, and allocate nothing.
  void check_manners() const {
    Memory m = memory({});
    m.context = Context<Space>(MPI_COMM_SELF);
    four_passes(m);  // scratch has its size now
    auto const device = device_of(m.context.space());
    KokkosWatch const watch;
    four_passes(m);
    for (auto const& kernel : KokkosWatch::record().kernels) {
      INFO("kernel " << kernel.label);
      CHECK((kernel.label.rfind("kyrtos::" + layer_.kind() + "::", 0) == 0 ||
             kernel.label.rfind("KokkosBlas", 0) == 0));
      CHECK(kernel.device == device);
    }
    CHECK(KokkosWatch::record().allocations.empty());
  }

  Layer const& layer_;
  SequenceShape shape_;
  Index rows_ = 0, parameters_ = 0;
  Numbers x_, x_dot_, theta_, u_, dy_, dy_dot_;
};

/// Checks the whole contract of a layer for batches of one shape.
template <class Scalar, class Reference>
void check_layer(layers::Layer<Scalar, Space> const& layer, SequenceShape shape,
                 Reference const& reference, double tolerance = 200) {
  INFO(layer.kind() << ", " << shape.batch << " sequences of " << shape.length);
  LayerCheck<Scalar>(layer, shape).run(reference, tolerance);
}

}  // namespace kyrtos::testing
