// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "tiny_model.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <cmath>
#include <limits>

namespace kyrtos::testing::c_operators {

using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

/// The diagonal matrix `scale`·diag(1, 2, …, n) as a function of the caller.
struct Diagonal {
  double scale = 1;
  int calls = 0, failure = 0;

  static int apply(void* user, void* stream, std::int64_t size, void const* x, void* y) {
    auto& self = *static_cast<Diagonal*>(user);
    ++self.calls;
    for (std::int64_t i = 0; i < size; ++i)
      static_cast<double*>(y)[i] =
          self.scale * static_cast<double>(i + 1) * static_cast<double const*>(x)[i];
    return stream == nullptr ? self.failure : -1;
  }
};

struct CallbackOperator {
  explicit CallbackOperator(std::int64_t size) {
    REQUIRE(kyrtos_context_create(MPI_COMM_SELF, nullptr, &context) == KYRTOS_OK);
    REQUIRE(kyrtos_operator_create(context, size, KYRTOS_FLOAT64, KYRTOS_HOST, Diagonal::apply,
                                   &matrix, &op) == KYRTOS_OK);
  }
  ~CallbackOperator() {
    kyrtos_operator_destroy(op);
    kyrtos_context_destroy(context);
  }
  CallbackOperator(CallbackOperator const&) = delete;
  CallbackOperator& operator=(CallbackOperator const&) = delete;

  Diagonal matrix;
  kyrtos_context* context = nullptr;
  kyrtos_operator* op = nullptr;
};

TEST_CASE("C: eigenvalues of a function of the caller", "[c]") {
  CallbackOperator diagonal(30);
  kyrtos_eigenvalue ends[5];
  std::int64_t hvps = 0;
  REQUIRE(kyrtos_lanczos(diagonal.op, 3, 2, 1e-12, 100, 0, ends, &hvps) == KYRTOS_OK);
  for (int i = 0; i < 3; ++i) CHECK(ends[i].value == Approx(30 - i).epsilon(1e-12));
  for (int i = 0; i < 2; ++i) CHECK(ends[3 + i].value == Approx(1 + i).epsilon(1e-12));
  CHECK(hvps == diagonal.matrix.calls);

  Numbers u(30);
  auto const vector = array_of(u);
  kyrtos_eigenvalue smallest{};
  REQUIRE(kyrtos_power_iteration(diagonal.op, KYRTOS_SMALLEST_ALGEBRAIC, 1e-4, 10000, 0, &smallest,
                                 &vector, nullptr) == KYRTOS_OK);
  CHECK(std::abs(smallest.value - 1) <= smallest.residual + 1e-9);
  CHECK(std::abs(u[0]) == Approx(1).epsilon(1e-6));

  REQUIRE(kyrtos_lanczos(diagonal.op, 1, 1, 1e-12, 1, 0, ends, nullptr) == KYRTOS_OK);
  diagonal.matrix.failure = 42;
  CHECK(kyrtos_lanczos(diagonal.op, 1, 0, 1e-3, 9, 0, ends, nullptr) == KYRTOS_ERROR_CALLBACK);
  CHECK_THAT(kyrtos_operator_error(diagonal.op), ContainsSubstring("42"));
}

TEST_CASE("C: a tracker follows a function that changes", "[c]") {
  CallbackOperator diagonal(20);
  kyrtos_tracker* tracker = nullptr;
  auto options = kyrtos_tracker_defaults();
  CHECK(options.threshold == 2);
  options.target_residual = 1e-3;
  options.max_hvps = 4;
  options.cold_hvps = 300;
  REQUIRE(kyrtos_tracker_create(diagonal.op, &options, &tracker) == KYRTOS_OK);
  kyrtos_sharpness report{};
  for (int step = 0; step < 10; ++step) {
    diagonal.matrix.scale = 1 + 0.1 * step;
    REQUIRE(kyrtos_tracker_update(tracker, 0.05, &report) == KYRTOS_OK);
    CHECK(report.lambda == Approx(20 * diagonal.matrix.scale).epsilon(1e-3));
    CHECK(report.threshold_ratio == Approx(report.lambda * 0.05 / 2));
    if (step > 0) CHECK(report.hvps <= 4);
  }
  CHECK(report.quality == KYRTOS_CONVERGED);
  Numbers u(20);
  auto const vector = array_of(u);
  REQUIRE(kyrtos_tracker_vector(tracker, &vector) == KYRTOS_OK);
  CHECK(std::abs(u[19]) == Approx(1).epsilon(1e-3));
  diagonal.matrix.scale = std::numeric_limits<double>::quiet_NaN();
  REQUIRE(kyrtos_tracker_update(tracker, 0.05, &report) == KYRTOS_OK);
  CHECK(report.quality == KYRTOS_LOST);
  CHECK(std::isnan(report.lambda));
  options.block = 0;
  kyrtos_tracker* none = nullptr;
  CHECK(kyrtos_tracker_create(diagonal.op, &options, &none) == KYRTOS_ERROR_CONFIG);
  kyrtos_tracker_destroy(tracker);
}

TEST_CASE("C: a model's Hessian as an operator is its HVP, and reads the parameters anew", "[c]") {
  TinyModel tiny;
  Numbers u = tiny.zeros(), direct = tiny.zeros(), product = tiny.zeros();
  u[3] = 1;
  auto const x = array_of(u), y = array_of(product), hu = array_of(direct);
  kyrtos_operator* hessian = nullptr;
  {
    TinyBatch b;
    REQUIRE(kyrtos_operator_of_model(tiny.model, KYRTOS_HESSIAN, &b.batch, 1, &hessian) ==
            KYRTOS_OK);
    std::fill(b.inputs.begin(), b.inputs.end(), 99);  // it has a copy
  }
  TinyBatch b;
  for (std::uint64_t seed = 1; seed < 3; ++seed) {
    REQUIRE(kyrtos_model_initialize(tiny.model, seed) == KYRTOS_OK);
    REQUIRE(kyrtos_operator_apply(hessian, &x, &y) == KYRTOS_OK);
    REQUIRE(kyrtos_model_hvp(tiny.model, &b.batch, &x, &hu, nullptr, nullptr) == KYRTOS_OK);
    CHECK(product == direct);
  }
  kyrtos_operator_destroy(hessian);
}

TEST_CASE("C: an operator of two batches is the mean over both", "[c]") {
  TinyModel tiny;
  Numbers u = tiny.zeros(), together = tiny.zeros(), apart = tiny.zeros();
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = std::sin(1.0 + static_cast<double>(i));
  auto const x = array_of(u), y = array_of(apart), hu = array_of(together);
  TinyBatch all(0, 4), first(0, 2), second(2, 2);
  kyrtos_batch const two[] = {first.batch, second.batch};
  kyrtos_operator *hessian = nullptr, *none = nullptr;
  REQUIRE(kyrtos_operator_of_model(tiny.model, KYRTOS_HESSIAN, two, 2, &hessian) == KYRTOS_OK);
  REQUIRE(kyrtos_operator_apply(hessian, &x, &y) == KYRTOS_OK);
  REQUIRE(kyrtos_model_hvp(tiny.model, &all.batch, &x, &hu, nullptr, nullptr) == KYRTOS_OK);
  for (std::size_t i = 0; i < u.size(); ++i)
    CHECK(apart[i] == Approx(together[i]).margin(1e-12).epsilon(1e-10));
  CHECK(kyrtos_operator_of_model(tiny.model, KYRTOS_HESSIAN, nullptr, 2, &none) ==
        KYRTOS_ERROR_ARGUMENT);
  kyrtos_operator_destroy(hessian);
}

TEST_CASE("C: a preconditioned operator is D A D, with D as it is now", "[c]") {
  CallbackOperator diagonal(3);
  Numbers d{1, 0.5, 2}, x{1, 1, 1}, y(3);
  auto const place = array_of(d), from = array_of(x), to = array_of(y);
  kyrtos_operator* scaled = nullptr;
  REQUIRE(kyrtos_operator_precondition(diagonal.op, &place, &scaled) == KYRTOS_OK);
  REQUIRE(kyrtos_operator_apply(scaled, &from, &to) == KYRTOS_OK);
  CHECK(y == Numbers{1, 0.5, 12});
  d[2] = 1;
  REQUIRE(kyrtos_operator_apply(scaled, &from, &to) == KYRTOS_OK);
  CHECK(y == Numbers{1, 0.5, 3});
  Numbers two(2);
  auto const wrong = array_of(two);
  kyrtos_operator* none = nullptr;
  CHECK(kyrtos_operator_precondition(diagonal.op, &wrong, &none) == KYRTOS_ERROR_SHAPE);
  CHECK_THAT(kyrtos_operator_error(diagonal.op), ContainsSubstring("diagonal"));
  kyrtos_operator_destroy(scaled);
}

TEST_CASE("C: the density of a diagonal matrix has its moments", "[c]") {
  CallbackOperator diagonal(12);
  auto options = kyrtos_density_defaults();
  options.probes = 2;
  options.steps = 20;  // more than there are dimensions
  options.grid_points = 400;
  Numbers grid(400), density(400), error(400), nodes(40), weights(40);
  kyrtos_density result{
      grid.data(), density.data(), error.data(), nodes.data(), weights.data(), 0, 0};
  REQUIRE(kyrtos_spectral_density(diagonal.op, &options, &result) == KYRTOS_OK);
  CHECK(result.hvps == 24);
  double area = 0, mean = 0;
  for (std::size_t i = 1; i < grid.size(); ++i) area += density[i] * (grid[i] - grid[i - 1]);
  for (std::size_t j = 0; j < 12; ++j) mean += weights[j] * nodes[j];
  CHECK(area == Approx(1).epsilon(1e-3));
  CHECK(mean == Approx(6.5));  // a probe of signs sees the trace of a diagonal matrix exactly
  CHECK(std::isnan(nodes[12]));
  CHECK(weights[39] == 0);
  result.weights = nullptr;
  CHECK(kyrtos_spectral_density(diagonal.op, &options, &result) == KYRTOS_ERROR_ARGUMENT);
}

}  // namespace kyrtos::testing::c_operators
