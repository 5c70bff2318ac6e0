// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/core/error.hpp>
#include <kyrtos/layers/output_layer.hpp>

#include "../support/numbers.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/matchers/catch_matchers_exception.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <functional>
#include <string>

/// \file
/// \brief What a head says of arguments that do not fit together.

namespace kyrtos::testing {

/// The memory of the passes, cut out of one buffer; `spoil` may change θ and what is asked for.
template <class Scalar>
void check_head_refuses(
    layers::OutputLayer<Scalar, Space> const& head, Batch<Scalar, Space> const& batch,
    Index parameters, std::string const& message,
    std::function<void(VectorView<Scalar, Space>& theta,
                       typename layers::OutputLayer<Scalar, Space>::Passes&)> const& spoil = {}) {
  Context<Space> const context(MPI_COMM_SELF);
  Index const rows = batch.shape.tokens(), features = head.in_features();
  Vector<Scalar, Space> const memory("test::memory",
                                     static_cast<std::size_t>(parameters + rows * features));
  typename layers::OutputLayer<Scalar, Space>::Passes what;
  VectorView<Scalar, Space> theta = slice(memory, 0, parameters);
  what.u = what.dtheta = what.hu = theta;
  what.x = what.x_dot = what.dx = what.dx_dot = as_matrix(memory, parameters, rows, features);
  if (spoil) spoil(theta, what);
  using Catch::Matchers::ContainsSubstring;
  using Catch::Matchers::MessageMatches;
  CHECK_THROWS_MATCHES(head.run(context, theta, batch, what), ShapeError,
                       MessageMatches(ContainsSubstring(message)));
}

/// Each argument of run() in turn one element or row too short. \param parameters of θ.
template <class Scalar>
void check_head_refusals(layers::OutputLayer<Scalar, Space> const& head,
                         Batch<Scalar, Space> const& batch, Index parameters) {
  Index const rows = batch.shape.tokens(), features = head.in_features();
  auto const says = [&](char const* what, Index found, Index needed) {
    return head.kind() + ": " + what + " has " + std::to_string(found) + " elements, but " +
           std::to_string(needed) + " are needed";
  };
  auto const vector = [&](char const* name, auto const& choose) {
    check_head_refuses<Scalar>(head, batch, parameters, says(name, parameters - 1, parameters),
                               [&](auto& theta, auto& what) {
                                 auto& v = choose(theta, what);
                                 v = slice(v, 0, parameters - 1);
                               });
  };
  vector(
      "theta", [](auto& theta, auto&) -> auto& { return theta; });
  vector(
      "u", [](auto&, auto& what) -> auto& { return what.u; });
  vector(
      "dtheta", [](auto&, auto& what) -> auto& { return what.dtheta; });
  vector(
      "hu", [](auto&, auto& what) -> auto& { return what.hu; });
  auto const matrix = [&](char const* name, auto member) {
    check_head_refuses<Scalar>(
        head, batch, parameters, says(name, (rows - 1) * features, rows * features),
        [&](auto&, auto& what) { what.*member = rows_of(what.*member, 0, rows - 1); });
  };
  using Passes = typename layers::OutputLayer<Scalar, Space>::Passes;
  matrix("x", &Passes::x);
  matrix("x_dot", &Passes::x_dot);
  matrix("dx", &Passes::dx);
  matrix("dx_dot", &Passes::dx_dot);
}

}  // namespace kyrtos::testing
