// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/optim/muon.hpp>
#include <kyrtos/train/block_matrices.hpp>
#include <kyrtos/train/run.hpp>

#include "../support/spectral_ascent.hpp"
#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>

// What runs report of Muon's sharpness, held to a dense Hessian on any number of ranks in every
// shard mode; and which thresholds they know.

namespace kyrtos::testing::spectral {

using Scalar = KYRTOS_TEST_SCALAR;
using Strings = std::vector<std::string>;
using Run = train::Run<Scalar, Space>;

/// The rows and columns of H that belong to some elements, by one product for each of them.
inline Numbers dense_hessian(Run& run, std::vector<Index> const& elements) {
  auto const& context = run.probe()->objective().context();
  auto const& partition = run.probe()->objective().partition();
  Index const size = partition.local_size();
  auto const u = allocate<Scalar>(context, "test::u", size),
             hu = allocate<Scalar>(context, "test::hu", size);
  Numbers h;
  for (Index const column : elements) {
    Numbers unit(static_cast<std::size_t>(size), 0.0);
    for (auto const& s : partition.slices({column, 1})) unit[static_cast<std::size_t>(s.local)] = 1;
    Kokkos::deep_copy(u, on_device<Scalar>(unit));
    run.probe()->matrix().apply(context, u, hu);
    context.fence("test");
    auto const product = on_host(hu);
    Numbers image(elements.size(), 0.0);
    for (std::size_t i = 0; i < elements.size(); ++i)
      for (auto const& s : partition.slices({elements[i], 1}))
        image[i] = product[static_cast<std::size_t>(s.local)];
    if (partition.is_split()) context.communicator().sum(std::span<double>(image));
    h.insert(h.end(), image.begin(), image.end());
  }
  return h;
}

/// The ball in the numbering of all its elements one after the other, and these elements.
inline std::pair<SpectralBall, std::vector<Index>> compact(optim::Muon<Scalar, Space> const& muon) {
  SpectralBall ball{{}, muon.scales()};
  std::vector<Index> elements;
  for (auto const& m : muon.matrices()) {
    ball.matrices.push_back({static_cast<Index>(elements.size()), m.rows, m.columns});
    for (Index i = 0; i < m.size(); ++i) elements.push_back(m.offset + i);
  }
  return {ball, elements};
}

TEST_CASE("Muon's sharpness is the largest curvature over the ball of its steps",
          "[spectral_sharpness]") {
  auto const shard = GENERATE(as<std::string>(), "none", "optimizer", "full");
  TinyRun const tiny({"optimizer.name=muon", "parallel.shard=" + shard, "model.depth=1",
                      "model.width=8", "model.mlp_width=6", "model.heads=2", "training.batch=8",
                      "curvature.probe_sequences=8", "training.evaluate_every=0",
                      "curvature.cold_hvps=60", "curvature.max_hvps=60",
                      "curvature.target_residual=1e-10"});
  CHECK(tiny.config.curvature.matrix == train::CurvatureConfig::Matrix::spectral);
  Run run(tiny.context, tiny.config);
  train::StepReport report;
  for (int i = 0; i < 3; ++i) report = run.step();
  auto const& muon = dynamic_cast<optim::Muon<Scalar, Space> const&>(run.trainer().optimizer());
  auto const [ball, elements] = compact(muon);
  CHECK(muon.matrices().size() == 6);  // three of attention's qkv
  auto const h = dense_hessian(run, elements);
  double const highest = highest_ascent(h, ball, elements.size(), 30);
  REQUIRE(report.sharpness->lambda);
  double const lambda = *report.sharpness->lambda;
  CHECK(lambda < highest * (1 + 1e-8));
  CHECK(lambda > 0.9 * highest);
  double const slope = muon.slope(tiny.context);
  CHECK(slope > 0);
  CHECK(
      near(*report.sharpness->threshold_ratio, lambda * report.learning_rate / (2 * slope), 1e-12));
  // Measured again and again at one θ it climbs to the end of its ascent.
  double ended = lambda;
  for (int i = 0; i < 8; ++i) {
    auto const again = run.probe()->measure(report.learning_rate);
    CHECK(*again.lambda > ended * (1 - 1e-6));
    ended = *again.lambda;
  }
  Numbers d;
  auto const& partition = run.probe()->objective().partition();
  auto const own = on_host(flat(run.probe()->vectors()));
  for (Index const i : elements) {
    double value = 0;
    for (auto const& s : partition.slices({i, 1})) value = own[static_cast<std::size_t>(s.local)];
    d.push_back(value);
  }
  if (partition.is_split()) tiny.context.communicator().sum(std::span<double>(d));
  CHECK(near(ascend(h, ball, d) / ended, 1, 1e-3));
}

TEST_CASE("thresholds are reported where they are known", "[spectral_sharpness]") {
  auto const last = [](Strings const& settings) {
    TinyRun const tiny(settings);
    Run run(tiny.context, tiny.config);
    run.step();
    return run.step();
  };
  auto const muon = last({"optimizer.name=muon", "curvature.matrix=hessian"});
  CHECK(muon.sharpness->lambda);
  CHECK(!muon.sharpness->threshold_ratio);
  auto const adamw = last({"curvature.matrix=spectral"});
  CHECK(adamw.sharpness->lambda);
  CHECK(!adamw.sharpness->threshold_ratio);
  CHECK(!adamw.small_batch_ratio);
  auto const sgd = last({"optimizer.name=sgd"});
  CHECK(near(*sgd.small_batch_ratio, 19 * *sgd.sharpness->threshold_ratio, 1e-12));
}

TEST_CASE("the norm of Muon's update is that of what it moved", "[spectral_sharpness]") {
  TinyRun const tiny({"optimizer.name=muon", "optimizer.weight_decay=0", "curvature.enabled=false",
                      "optimizer.adamw_rate=0.3", "optimizer.update_clipping=true"});
  Run run(tiny.context, tiny.config);
  for (int i = 0; i < 4; ++i) {
    auto const before = on_host(run.parameters());
    auto const report = run.step();
    double const moved = norm(plus(on_host(run.parameters()), -1, before));
    CHECK(near(*report.update_norm / moved, 1, 1e-9));
  }
}

TEST_CASE("matrices of the blocks are taken apart as they are used", "[spectral_sharpness]") {
  TinyRun const tiny({"model.preset=llama", "model.kv_heads=1"});
  model::Transformer<Scalar, Space> const model(tiny.config.model);
  auto const& c = model.config();
  auto const matrices = train::block_matrices(model.layout(), c);
  REQUIRE(static_cast<Index>(matrices.size()) == 7 * c.depth);
  auto const& qkv = model.layout().find("blocks.1.attention.qkv.weight");
  auto const& up = model.layout().find("blocks.1.mlp.up.weight");
  CHECK((matrices[7].offset == qkv.offset && matrices[7].rows == c.heads * c.head_size));
  CHECK((matrices[8].rows == c.head_size && matrices[9].rows == c.head_size));
  CHECK(matrices[9].offset + matrices[9].size() == qkv.offset + qkv.size);
  CHECK((matrices[11].rows == c.mlp_width && matrices[11].offset == up.offset));
  CHECK(matrices[12].offset + matrices[12].size() == up.offset + up.size);
}

}  // namespace kyrtos::testing::spectral
