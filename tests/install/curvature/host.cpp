// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Follows the largest eigenvalue, 3, of a matrix of the host's own.

#include <kyrtos/curvature/tracker.hpp>

#include <cmath>

namespace {

using Space = Kokkos::DefaultExecutionSpace;

/// y = d ∘ x with d = 3, 1, 1, …
class Diagonal final : public kyrtos::curvature::LinearOperator<double, Space> {
 public:
  kyrtos::Index size() const override { return 100; }
  void apply(kyrtos::Context<Space> const& context, kyrtos::VectorView<double const, Space> x,
             kyrtos::VectorView<double, Space> y) override {
    Kokkos::parallel_for(
        Kokkos::RangePolicy<Space>(context.space(), 0, 100),
        KOKKOS_LAMBDA(int i) { y(i) = (i == 0 ? 3 : 1) * x(i); });
  }
};

bool follows() {
  kyrtos::Context<Space> const context(MPI_COMM_SELF);
  Diagonal matrix;
  kyrtos::curvature::CurvatureTracker<double> tracker(context, matrix, {.factor = 2});
  double lambda = 0;
  for (int step = 0; step < 20; ++step) lambda = tracker.update(0.5).lambda.value_or(0);
  return std::fabs(lambda - 3) < 1e-6;
}

}  // namespace

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  Kokkos::initialize(argc, argv);
  bool const is_right = follows();
  Kokkos::finalize();
  MPI_Finalize();
  return is_right ? 0 : 1;
}
