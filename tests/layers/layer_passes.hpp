// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/layer.hpp>

#include "../support/numbers.hpp"

#include <vector>

/// \file
/// \brief The four passes of a layer, from numbers on the host to numbers on the host.

namespace kyrtos::testing {

/// Where a layer is differentiated, along what, and the adjoints of y and ẏ.
struct LayerInputs {
  Numbers x, theta, x_dot, u, dy, dy_dot;
  friend bool operator==(LayerInputs const&, LayerInputs const&) = default;
};

struct LayerOutputs {
  Numbers y, y_dot, dx, dx_dot, dtheta, hu;
  friend bool operator==(LayerOutputs const&, LayerOutputs const&) = default;
};

/// How to run the passes.
struct LayerRun {
  bool in_place = false;  ///< y over x, ẏ over ẋ, dx over dy, dẋ over dẏ.
  bool skip_x = false;    ///< No dx and dẋ asked for.
  bool skip_theta = false;
  Numbers start = {};  ///< What dθ and Hu hold before; zeros if empty.
  /// Residuals of y and ẏ, and what joins dx and dẋ; none if empty.
  Numbers residual = {}, residual_dot = {}, joining = {}, joining_dot = {};
};

/// A layer with all memory its passes need; what they are to write holds NaN.
template <class Scalar>
class LayerPasses {
 public:
  using Layer = layers::Layer<Scalar, Space>;
  using View = Vector<Scalar, Space>;

  LayerPasses(Context<Space> context, Layer const& layer, SequenceShape shape,
              LayerInputs const& in, LayerRun const& run)
      : context_(std::move(context)), layer_(layer) {
    Index const rows = shape.tokens(), from = layer.in_features(), to = layer.out_features();
    x_ = on_device<Scalar>(in.x);
    x_dot_ = on_device<Scalar>(in.x_dot);
    dy_ = on_device<Scalar>(in.dy);
    dy_dot_ = on_device<Scalar>(in.dy_dot);
    theta_ = on_device<Scalar>(in.theta);
    u_ = on_device<Scalar>(in.u);
    y_ = run.in_place ? x_ : poisoned(rows * to);
    y_dot_ = run.in_place ? x_dot_ : poisoned(rows * to);
    dx_ = run.in_place ? dy_ : poisoned(rows * from);
    dx_dot_ = run.in_place ? dy_dot_ : poisoned(rows * from);
    saved_ = poisoned(layer.saved_size(shape));
    tangent_saved_ = poisoned(layer.tangent_saved_size(shape));
    dtheta_ = on_device<Scalar>(run.start.empty() ? Numbers(in.theta.size(), 0.0) : run.start);
    hu_ = on_device<Scalar>(on_host(dtheta_));
    p_ = {shape, as_matrix(x_, 0, rows, from), as_matrix(y_, 0, rows, to), saved_};
    t_ = {shape, as_matrix(x_dot_, 0, rows, from), as_matrix(y_dot_, 0, rows, to), tangent_saved_};
    a_ = {as_matrix(dy_, 0, rows, to), as_matrix(dx_, 0, rows, from)};
    ta_ = {as_matrix(dy_dot_, 0, rows, to), as_matrix(dx_dot_, 0, rows, from)};
    add(p_.residual, run.residual, rows, to);
    add(t_.residual, run.residual_dot, rows, to);
    add(a_.joining, run.joining, rows, from);
    add(ta_.joining, run.joining_dot, rows, from);
    if (run.skip_x) a_.x = ta_.x = {};
    if (!run.skip_theta) {
      dtheta_arg_ = dtheta_;
      hu_arg_ = hu_;
    }
  }

  void forward() const { layer_.forward(context_, theta_, p_); }
  void tangent_forward() const { layer_.tangent_forward(context_, theta_, u_, p_, t_); }
  void backward() const { layer_.backward(context_, theta_, p_, a_, dtheta_arg_); }
  void tangent_backward() const {
    layer_.tangent_backward(context_, theta_, u_, p_, t_, a_, ta_, hu_arg_);
  }

  /// All four, in the order in which they need each other's results.
  LayerOutputs run() const {
    forward();
    tangent_forward();
    context_.fence("test");
    LayerOutputs out;
    out.y = on_host(y_);
    out.y_dot = on_host(y_dot_);
    backward();
    tangent_backward();
    context_.fence("test");
    out.dx = on_host(dx_);
    out.dx_dot = on_host(dx_dot_);
    out.dtheta = on_host(dtheta_);
    out.hu = on_host(hu_);
    return out;
  }

  /// What the memory of the inputs holds now, and of y.
  LayerInputs inputs() const {
    return {on_host(x_), on_host(theta_), on_host(x_dot_),
            on_host(u_), on_host(dy_),    on_host(dy_dot_)};
  }
  Numbers y() const { return on_host(y_); }

 private:
  void add(MatrixView<Scalar const, Space>& to, Numbers const& values, Index rows, Index columns) {
    if (values.empty()) return;
    added_.push_back(on_device<Scalar>(values));
    to = as_matrix(added_.back(), 0, rows, columns);
  }
  static View poisoned(Index size) {
    return on_device<Scalar>(Numbers(static_cast<std::size_t>(size), std::nan("")));
  }

  Context<Space> context_;
  Layer const& layer_;
  View x_, y_, saved_, x_dot_, y_dot_, tangent_saved_, dy_, dx_, dy_dot_, dx_dot_, theta_, u_,
      dtheta_, hu_;
  std::vector<View> added_;
  typename Layer::MutableVector dtheta_arg_, hu_arg_;
  layers::Activation<Scalar, Space> p_, t_;
  layers::Adjoint<Scalar, Space> a_, ta_;
};

}  // namespace kyrtos::testing
