// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/resources.hpp>
#include <kyrtos/train/run.hpp>

#include "../support/kokkos_watch.hpp"
#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/generators/catch_generators_range.hpp>

// What is planned is what a run then holds.

namespace kyrtos::testing::resources {

using Scalar = KYRTOS_TEST_SCALAR;
using Strings = std::vector<std::string>;

inline double bytes_of(train::Resources const& planned, std::string const& name) {
  for (auto const& entry : planned.memory)
    if (entry.name == name) return entry.bytes;
  return 0;
}

TEST_CASE("a rank holds what was planned, to five percent", "[resources]") {
  auto const shard = GENERATE(as<std::string>(), "none", "optimizer", "full");
  auto const extra = GENERATE(
      Strings{}, Strings{"training.micro_batch=1", "training.recompute=true", "model.tied=false"},
      Strings{"curvature.method=critical", "optimizer.name=sgd", "growth.initial_depth=2"},
      Strings{"curvature.enabled=false"}, Strings{"curvature.block=3"},
      Strings{"curvature.parts=true"}, Strings{"curvature.method=cold"}, Strings{"schedule.cdat=1"},
      Strings{"output.asynchronous=true"}, Strings{"curvature.check_every=1"},
      Strings{"curvature.probe=batch", "curvature.probe_sequences=4", "curvature.check_every=1"});
  Strings overrides{"model.width=64",       "model.depth=4",    "training.batch=8",
                    "training.length=48",   "model.context=48", "parallel.shard=" + shard,
                    "curvature.cold_hvps=3"};  // their number takes no memory
  overrides.insert(overrides.end(), extra.begin(), extra.end());
  TinyRun run(overrides);
  auto const& ranks = run.context.communicator();
  std::optional<train::Run<Scalar, Space>> trainer;
  std::optional<io::AsynchronousWriter<Scalar, Space>> writer;
  auto const record = KokkosWatch::during([&] {
    Context<Space> const context(MPI_COMM_WORLD);  // whose scratch memory counts
    trainer.emplace(context, run.config);
    trainer->step();
    if (run.config.output.asynchronous)
      trainer->save(run.directory / "it.h5", writer.emplace(context.communicator()));
    trainer->step();
  });
  auto const planned =
      train::resources_of<Scalar>(run.context, run.config, ranks.size(), trainer->active_depth());
  INFO(shard << ", " << (extra.empty() ? "" : extra.front()));
  auto const teams = bytes_of(planned, "scratch of teams");
  CHECK(teams > 0);  // Kokkos holds it, which the watch doesn't see
  double const largest = ranks.max(static_cast<double>(record.peak));
  CHECK(std::fabs(largest / (planned.memory_bytes - teams) - 1) < 0.05);
  CHECK(planned.step_flops == trainer->step_flops());
  CHECK(planned.product_flops == trainer->product_flops());
}

TEST_CASE("teams have scratch where attention is streamed", "[resources]") {
  auto const teams = [](std::string const& method) {
    TinyRun run({"training.attention=" + method});
    auto const planned = train::resources_of<Scalar>(run.context, run.config, 1, 2);
    return bytes_of(planned, "scratch of teams");
  };
  CHECK(teams("streamed") > 0);
  CHECK(teams("blocked") == 0);
}

TEST_CASE("rounded factors are counted", "[resources]") {
  if (std::is_same_v<Scalar, double>) SKIP("of float only");
  // The head's is the largest product: its factors are over a tenth of all memory.
  auto const precision = GENERATE(from_range(rounded_precisions()));
  TinyRun run({"training.precision=" + name_of(precision), "model.vocabulary=4096",
               "model.width=64", "training.length=16", "training.batch=4",
               "curvature.enabled=false"});
  std::string tokens;  // 0, 1, …, 99, of two bytes each
  for (int i = 0; i < 3000; ++i) tokens += {static_cast<char>(i % 100), '\0'};
  run.config.data.train = {run.directory.write("tokens.bin", tokens)};
  auto const& ranks = run.context.communicator();
  auto const record = KokkosWatch::during([&] {
    Context<Space> const context(MPI_COMM_WORLD);
    train::Run<Scalar, Space> trainer(context, run.config);
    trainer.step();
  });
  auto const planned = train::resources_of<Scalar>(run.context, run.config, ranks.size(), 2);
  double const held = planned.memory_bytes - bytes_of(planned, "scratch of teams");
  CHECK(std::fabs(ranks.max(static_cast<double>(record.peak)) / held - 1) < 0.05);
}

TEST_CASE("the time of a step falls and rises as its formula says", "[resources]") {
  Context<Space> const context(MPI_COMM_SELF);
  train::RunConfig config = train::parse_config(
      "model = { depth = 12, width = 768, heads = 12 }\n"
      "training = { steps = 10, batch = 512, length = 256 }",
      "plan");
  train::DeviceRates const rates{.flops = 1e14, .share = 0.5, .bandwidth = 1e10, .latency = 1e-5};
  auto const work = train::resources_of<Scalar>(context, config, 1, 12);
  auto const one = train::step_seconds(config, work, 1, rates, 0);
  CHECK(one.exposed == 0);
  CHECK(std::fabs(one.total() / (work.step_flops / 5e13) - 1) < 1e-12);
  // Two ranks: 2·½·b/bandwidth, and 2 messages a bucket; the last bucket at least is exposed.
  auto const two = train::step_seconds(config, work, 2, rates, 0);
  double const bytes = static_cast<double>(work.parameters) * sizeof(float);
  bool const is_float = config.training.precision == train::Precision::float32;
  CHECK(is_float);
  double const sum = bytes / 1e10 + 2 * work.buckets * 1e-5;
  CHECK(std::fabs(two.compute / one.compute - 0.5) < 1e-12);
  CHECK(std::fabs(two.exposed - std::max(sum - 2 * two.compute / 3, sum / work.buckets)) < 1e-12);
}

}  // namespace kyrtos::testing::resources
