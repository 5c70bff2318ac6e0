// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/layers/output_layer.hpp>

#include "../support/numbers.hpp"

/// \file
/// \brief The passes of a head, from numbers on the host to numbers on the host.

namespace kyrtos::testing {

/// Where a head is differentiated, and along what.
struct HeadInputs {
  Numbers x, theta, x_dot, u;
  friend bool operator==(HeadInputs const&, HeadInputs const&) = default;
};

/// What to ask the passes for.
struct HeadRun {
  bool dx = true, dtheta = true;
  bool tangent = true, dx_dot = true, hu = true;  ///< The last two need a tangent.
  bool gauss_newton = false;
  Numbers start = {};  ///< What dθ and Hu hold before; zeros if empty.
};

/// What it gave; empty what it was not asked for.
struct HeadOutputs {
  double loss = 0, loss_dot = 0;
  Numbers dx, dtheta, dx_dot, hu;
  friend bool operator==(HeadOutputs const&, HeadOutputs const&) = default;
};

/// A head with all memory that its passes need; what is to be overwritten holds NaN.
template <class Scalar>
class HeadPasses {
 public:
  using Head = layers::OutputLayer<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;
  using View = Vector<Scalar, Space>;

  HeadPasses(Context<Space> context, Head const& head, Batch const& batch, HeadInputs const& in,
             HeadRun const& run)
      : context_(std::move(context)), head_(head), batch_(batch) {
    x_ = on_device<Scalar>(in.x);
    theta_ = on_device<Scalar>(in.theta);
    what_.x = matrix(x_);
    Numbers const nothing(in.x.size(), std::nan(""));
    Numbers const start = run.start.empty() ? Numbers(in.theta.size(), 0.0) : run.start;
    if (run.dx) what_.dx = matrix(dx_ = on_device<Scalar>(nothing));
    if (run.dtheta) what_.dtheta = dtheta_ = on_device<Scalar>(start);
    what_.gauss_newton = run.gauss_newton;
    if (!run.tangent) return;
    what_.x_dot = matrix(x_dot_ = on_device<Scalar>(in.x_dot));
    what_.u = u_ = on_device<Scalar>(in.u);
    if (run.dx_dot) what_.dx_dot = matrix(dx_dot_ = on_device<Scalar>(nothing));
    if (run.hu) what_.hu = hu_ = on_device<Scalar>(start);
  }

  typename Head::Result only() const { return head_.run(context_, theta_, batch_, what_); }

  HeadOutputs operator()() const {
    auto const result = only();
    context_.fence("test");
    return {result.loss,      result.loss_dot,  on_host(dx_),
            on_host(dtheta_), on_host(dx_dot_), on_host(hu_)};
  }

  /// The outputs for sampling.
  Numbers outputs() const {
    Index const rows = batch_.shape.tokens(), columns = head_.out_features();
    auto const z =
        on_device<Scalar>(Numbers(static_cast<std::size_t>(rows * columns), std::nan("")));
    head_.outputs(context_, theta_, what_.x, as_matrix(z, 0, rows, columns));
    context_.fence("test");
    return on_host(z);
  }

  /// What the memory of the inputs holds now.
  HeadInputs inputs() const { return {on_host(x_), on_host(theta_), on_host(x_dot_), on_host(u_)}; }

 private:
  MatrixView<Scalar, Space> matrix(View const& v) const {
    return as_matrix(v, 0, batch_.shape.tokens(), head_.in_features());
  }

  Context<Space> context_;
  Head const& head_;
  Batch batch_;
  View x_, theta_, x_dot_, u_, dx_, dtheta_, dx_dot_, hu_;
  typename Head::Passes what_;
};

}  // namespace kyrtos::testing
