// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#include "tiny_model.hpp"

#include <catch2/catch_approx.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>
#include <limits>

namespace kyrtos::testing::c_interface {

using Catch::Approx;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("C: gradient and HVP belong to the loss", "[c]") {
  TinyModel tiny;
  TinyBatch b;
  Numbers theta = tiny.zeros(), g = tiny.zeros(), hu = tiny.zeros(), u = tiny.zeros();
  for (std::size_t i = 0; i < u.size(); ++i) u[i] = std::cos(static_cast<double>(i));
  auto const array = array_of(theta), gradient = array_of(g), product = array_of(hu),
             direction = array_of(u);
  REQUIRE(kyrtos_model_get_parameters(tiny.model, &array) == KYRTOS_OK);
  double loss = 0;
  REQUIRE(kyrtos_model_hvp(tiny.model, &b.batch, &direction, &product, &loss, &gradient) ==
          KYRTOS_OK);
  CHECK(loss == Approx(std::log(11)).epsilon(0.1));

  double const h = 1e-5;
  Numbers const at = theta;
  double losses[2];
  Numbers gradients[2] = {tiny.zeros(), tiny.zeros()};
  for (int side = 0; side < 2; ++side) {
    for (std::size_t i = 0; i < u.size(); ++i) theta[i] = at[i] + (side == 0 ? -h : h) * u[i];
    REQUIRE(kyrtos_model_set_parameters(tiny.model, &array) == KYRTOS_OK);
    auto const into = array_of(gradients[side]);
    REQUIRE(kyrtos_model_gradient(tiny.model, &b.batch, &losses[side], &into) == KYRTOS_OK);
  }
  double along = 0, uhu = 0, uhu_difference = 0;
  for (std::size_t i = 0; i < u.size(); ++i) {
    along += g[i] * u[i];
    uhu += u[i] * hu[i];
    uhu_difference += u[i] * (gradients[1][i] - gradients[0][i]) / (2 * h);
  }
  CHECK(along == Approx((losses[1] - losses[0]) / (2 * h)).epsilon(1e-5));
  CHECK(uhu == Approx(uhu_difference).epsilon(1e-5));
}

TEST_CASE("C: strides and other number types give the same", "[c]") {
  TinyModel tiny;
  TinyBatch b;
  double contiguous = 0, strided = 0;
  REQUIRE(kyrtos_model_loss(tiny.model, &b.batch, &contiguous) == KYRTOS_OK);

  std::vector<std::int64_t> columns(24), targets(b.targets.begin(), b.targets.end());
  for (std::size_t s = 0; s < 4; ++s)
    for (std::size_t t = 0; t < 6; ++t) columns[t * 4 + s] = b.inputs[s * 6 + t];
  kyrtos_batch other{array_of(columns, {4, 6}), array_of(targets, {4, 6}), 0};
  other.inputs.strides[0] = 1;
  other.inputs.strides[1] = 4;
  REQUIRE(kyrtos_model_loss(tiny.model, &other, &strided) == KYRTOS_OK);
  CHECK(strided == contiguous);

  Numbers g = tiny.zeros();
  std::vector<float> sparse(static_cast<std::size_t>(2 * tiny.size), -1);
  auto const exact = array_of(g);
  auto rounded = array_of(sparse, {tiny.size});
  rounded.strides[0] = 2;
  REQUIRE(kyrtos_model_gradient(tiny.model, &b.batch, nullptr, &exact) == KYRTOS_OK);
  REQUIRE(kyrtos_model_gradient(tiny.model, &b.batch, nullptr, &rounded) == KYRTOS_OK);
  for (std::size_t i = 0; i < g.size(); ++i) {
    REQUIRE(sparse[2 * i] == static_cast<float>(g[i]));
    REQUIRE(sparse[2 * i + 1] == -1);
  }
}

TEST_CASE("C: ranks that share a batch see the whole of it", "[c]") {
  int rank = 0, ranks = 1;
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  MPI_Comm_size(MPI_COMM_WORLD, &ranks);
  TinyModel all(MPI_COMM_WORLD), alone;
  TinyBatch whole(0, 4), part(rank * 4 / ranks, 4 / ranks);
  double shared = 0, single = 0;
  Numbers g = all.zeros(), g_alone = all.zeros();
  auto const gradient = array_of(g), gradient_alone = array_of(g_alone);
  REQUIRE(kyrtos_model_gradient(all.model, &part.batch, &shared, &gradient) == KYRTOS_OK);
  REQUIRE(kyrtos_model_gradient(alone.model, &whole.batch, &single, &gradient_alone) == KYRTOS_OK);
  CHECK(shared == Approx(single).epsilon(1e-12));
  CHECK(near(g, g_alone, 1e-12));

  if (rank == ranks - 1) part.inputs[3] = 11;  // a mistake on one rank is an error on all
  CHECK(kyrtos_model_loss(all.model, &part.batch, &shared) == KYRTOS_ERROR_SHAPE);
  CHECK_THAT(kyrtos_model_error(all.model), ContainsSubstring("outside [0, 11)"));
}

TEST_CASE("C: the caller's memory can be the home of the parameters", "[c]") {
  TinyModel tiny;
  TinyBatch b;
  Numbers theta = tiny.zeros();
  auto const array = array_of(theta);
  double before = 0, after = 0;
  REQUIRE(kyrtos_model_loss(tiny.model, &b.batch, &before) == KYRTOS_OK);
  REQUIRE(kyrtos_model_get_parameters(tiny.model, &array) == KYRTOS_OK);
  auto const status = kyrtos_model_use_parameters(tiny.model, &array);
  if (!compat::is_host_accessible<Kokkos::DefaultExecutionSpace>) return;
  REQUIRE(status == KYRTOS_OK);
  REQUIRE(kyrtos_model_loss(tiny.model, &b.batch, &after) == KYRTOS_OK);
  CHECK(after == before);
  std::fill(theta.begin(), theta.end(), 0.0);
  REQUIRE(kyrtos_model_loss(tiny.model, &b.batch, &after) == KYRTOS_OK);
  CHECK(after == Approx(std::log(11)));  // all tokens equally likely
  std::vector<float> rounded(theta.size());
  auto const other = array_of(rounded, {tiny.size});
  CHECK(kyrtos_model_use_parameters(tiny.model, &other) == KYRTOS_ERROR_SHAPE);
}

TEST_CASE("C: inference gives what the loss is made of", "[c]") {
  TinyModel tiny;
  TinyBatch b(1, 2);
  Numbers z(2 * 6 * 11);
  auto const outputs = array_of(z, {2, 6, 11});
  REQUIRE(kyrtos_model_outputs(tiny.model, &b.batch.inputs, &outputs) == KYRTOS_OK);
  double sum = 0, loss = 0;
  int count = 0;
  for (std::size_t row = 0; row < 12; ++row) {
    if (b.targets[row] < 0) continue;
    double total = 0;
    for (std::size_t k = 0; k < 11; ++k) total += std::exp(z[row * 11 + k]);
    sum += std::log(total) - z[row * 11 + static_cast<std::size_t>(b.targets[row])];
    ++count;
  }
  REQUIRE(kyrtos_model_loss(tiny.model, &b.batch, &loss) == KYRTOS_OK);
  CHECK(loss == Approx(sum / count).epsilon(1e-12));
}

TEST_CASE("C: every mistake is named, none ends the program", "[c]") {
  TinyModel tiny;
  TinyBatch b;
  double loss = 0;
  kyrtos_model* model = nullptr;
  auto const make = [&](char const* config) {
    return kyrtos_model_create(tiny.context, config, KYRTOS_FLOAT32, &model);
  };
  CHECK(make("model.dept = 3") == KYRTOS_ERROR_CONFIG);
  CHECK_THAT(kyrtos_context_error(tiny.context), ContainsSubstring("did you mean 'model.depth'"));
  CHECK(make(nullptr) == KYRTOS_ERROR_ARGUMENT);
  CHECK(kyrtos_model_create(tiny.context, "", KYRTOS_INT32, &model) == KYRTOS_ERROR_ARGUMENT);
  CHECK(kyrtos_model_create(nullptr, "", KYRTOS_FLOAT32, &model) == KYRTOS_ERROR_ARGUMENT);
  CHECK(kyrtos_model_load(tiny.context, "nowhere.h5", KYRTOS_FLOAT32, &model) == KYRTOS_ERROR_FILE);
  CHECK(model == nullptr);
  CHECK(kyrtos_model_loss(tiny.model, nullptr, &loss) == KYRTOS_ERROR_ARGUMENT);
  CHECK(kyrtos_model_loss(tiny.model, &b.batch, nullptr) == KYRTOS_ERROR_ARGUMENT);
  auto wrong = b.batch;
  wrong.targets.extents[1] = 5;
  CHECK(kyrtos_model_loss(tiny.model, &wrong, &loss) == KYRTOS_ERROR_SHAPE);
  CHECK_THAT(kyrtos_model_error(tiny.model), ContainsSubstring("targets: has 2 dimensions"));
  wrong = b.batch;
  wrong.inputs.type = KYRTOS_FLOAT32;
  CHECK(kyrtos_model_loss(tiny.model, &wrong, &loss) == KYRTOS_ERROR_SHAPE);
  wrong = b.batch;
  wrong.inputs.data = nullptr;
  CHECK(kyrtos_model_loss(tiny.model, &wrong, &loss) == KYRTOS_ERROR_ARGUMENT);
  CHECK(kyrtos_model_loss(tiny.model, &b.batch, &loss) == KYRTOS_OK);
  CHECK(std::string(kyrtos_model_error(tiny.model)).empty());
  Numbers g = tiny.zeros();
  auto gradient = array_of(g);
  gradient.extents[0] -= 1;
  CHECK(kyrtos_model_gradient(tiny.model, &b.batch, &loss, &gradient) == KYRTOS_ERROR_SHAPE);
  Numbers theta(g.size(), std::numeric_limits<double>::quiet_NaN());
  auto const parameters = array_of(theta);
  REQUIRE(kyrtos_model_set_parameters(tiny.model, &parameters) == KYRTOS_OK);
  kyrtos_trainer* trainer = nullptr;
  REQUIRE(kyrtos_trainer_create(tiny.model, &trainer) == KYRTOS_OK);
  CHECK(kyrtos_trainer_step(trainer, &b.batch, 1, 0.1, nullptr) == KYRTOS_ERROR_NUMERICAL);
  kyrtos_trainer_destroy(trainer);
  kyrtos_context* context = nullptr;
  if (compat::runs_on_host<Kokkos::DefaultExecutionSpace>)
    CHECK(kyrtos_context_create(MPI_COMM_SELF, &loss, &context) == KYRTOS_ERROR_ARGUMENT);
  CHECK_THAT(kyrtos_context_error(context), ContainsSubstring("no streams"));
  kyrtos_context_destroy(context);
}

TEST_CASE("C: segments follow each other and are all of θ; the configuration is TOML", "[c]") {
  TinyModel tiny;
  std::int64_t end = 0, number = 0;
  kyrtos_segment segment{};
  for (;; ++number) {
    REQUIRE(kyrtos_model_segment_at(tiny.model, number, &segment) == KYRTOS_OK);
    if (segment.name == nullptr) break;
    std::int64_t offset = 0, size = 0, elements = 1;
    REQUIRE(kyrtos_model_segment(tiny.model, segment.name, &offset, &size) == KYRTOS_OK);
    for (int i = 0; i < segment.rank; ++i) elements *= segment.extents[i];
    CHECK(segment.offset == end);
    CHECK((offset == segment.offset && size == segment.size && elements == size));
    end += segment.size;
  }
  CHECK(end == tiny.size);
  CHECK(kyrtos_model_segment_at(tiny.model, -1, &segment) == KYRTOS_ERROR_ARGUMENT);
  char const* config = nullptr;
  REQUIRE(kyrtos_model_config(tiny.model, &config) == KYRTOS_OK);
  kyrtos_model* same = nullptr;
  REQUIRE(kyrtos_model_create(tiny.context, config, KYRTOS_FLOAT64, &same) == KYRTOS_OK);
  std::int64_t size = 0;
  REQUIRE(kyrtos_model_size(same, &size) == KYRTOS_OK);
  CHECK(size == tiny.size);
  Numbers d = tiny.zeros();
  auto const diagonal = array_of(d);
  CHECK(kyrtos_model_preconditioner(same, &diagonal) == KYRTOS_ERROR_ARGUMENT);
  CHECK_THAT(kyrtos_model_error(same), ContainsSubstring("no checkpoint"));
  kyrtos_model_destroy(same);
}

}  // namespace kyrtos::testing::c_interface
