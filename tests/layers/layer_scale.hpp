// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/layers/linear.hpp>
#include <kyrtos/model/chain.hpp>

#include "../../docs/layer_example/layer_scale.hpp"
#include "check_layer.hpp"

// The layer of docs/adding_a_layer.md, by itself and in a chain.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;

TEST_CASE("LayerScale", "[layer_scale]") {
  auto const reference = [](SequenceShape, auto x, auto const& scale) {
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = scale[i % scale.size()] * x[i];
    return x;
  };
  for (SequenceShape const shape : {SequenceShape{1, 1}, SequenceShape{2, 3}, SequenceShape{3, 25}})
    check_layer<Scalar>(layers::LayerScale<Scalar, Space>(19, 0.1), shape, reference);
}

TEST_CASE("a branch whose scale is zero is the identity, and learns", "[layer_scale]") {
  Context<Space> const context(MPI_COMM_SELF);
  model::Chain<Scalar, Space> branch;
  branch.add("linear", std::make_shared<layers::Linear<Scalar, Space>>(6, 6, false, 0.02));
  branch.add("branch", std::make_shared<layers::LayerScale<Scalar, Space>>(6, 0.0));
  branch.end_residual();
  ParameterLayout layout;  // linear.weight [6, 6], branch.scale [6]
  branch.append_parameters(layout, "");
  auto const theta = on_device<Scalar>(joined(random_numbers<Scalar>(36, 1), Numbers(6, 0.0)));
  auto const gradient = on_device<Scalar>(Numbers(42, 0.0));

  SequenceShape const shape{2, 5};
  BufferPool<Scalar, Space> memory(context);
  auto const matrix = [&](char const* name) { return memory.matrix(name, shape.tokens(), 6); };
  auto const x = matrix("x"), y = matrix("y"), dx = matrix("dx"), dy = matrix("dy");
  using Kept = model::Chain<Scalar, Space>;
  auto const passes =
      branch.bind(memory, "forward", shape, Kept::Kind::primal, Kept::Retention::kept, x, y);
  auto const backs = branch.bind_back(memory, "back", shape, Kept::Retention::transient, dy, dx);

  Numbers const here = random_numbers<Scalar>(60, 2), back = random_numbers<Scalar>(60, 3);
  Kokkos::deep_copy(flat(x), on_device<Scalar>(here));
  Kokkos::deep_copy(flat(dy), on_device<Scalar>(back));
  branch.forward(context, theta, passes);
  branch.backward(context, theta, passes, backs, gradient);
  CHECK(layout.find("branch.scale").offset == 36);
  CHECK(on_host(flat(y)) == here);
  CHECK(on_host(flat(dx)) == back);
  Numbers const g = on_host(gradient);
  CHECK(norm(piece(g, 0, 36)) == 0);
  CHECK(norm(piece(g, 36, 6)) > 0);
}

}  // namespace kyrtos::testing
