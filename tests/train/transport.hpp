// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/train/run.hpp>

#include "../support/kokkos_watch.hpp"
#include "../support/nccl_stand_in.hpp"
#include "support/scalar.hpp"
#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <map>

// Training whose vectors go through NCCL, by the library that stands in for it: the losses of MPI,
// with sums under way during the pass and no wait of the host for them.

namespace kyrtos::testing::transport {

inline TinyRun run_with(std::vector<std::string> overrides) {
  overrides.insert(overrides.end(), {"parallel.bucket_bytes=4096", "training.steps=8",
                                     "training.batch=8", "curvature.probe_sequences=8"});
  return TinyRun(std::move(overrides));
}

inline std::vector<std::string> through_nccl(std::vector<std::string> overrides) {
  overrides.insert(overrides.end(), {"parallel.transport=nccl",
                                     "parallel.nccl_library=\"" + stand_in_library() + "\""});
  return overrides;
}

struct Outcome {
  Numbers losses, norms, lambdas, parameters;
  bool operator==(Outcome const&) const = default;
};

inline Outcome trained(std::vector<std::string> const& overrides) {
  auto run = run_with(overrides);
  run.context = Context<Space>(MPI_COMM_WORLD, run.config.parallel.context());
  train::Run<Scalar, Space> trainer(run.context, run.config);
  Outcome outcome;
  while (!trainer.is_finished()) {
    auto const report = trainer.step();
    outcome.losses.push_back(report.loss);
    outcome.norms.push_back(report.gradient_norm);
    outcome.lambdas.push_back(report.sharpness->lambda.value_or(0));
  }
  outcome.parameters = on_host(trainer.parameters());
  return outcome;
}

TEST_CASE("training through NCCL gives the bits of training through MPI", "[transport]") {
  // The sums of the stand-in are MPI's, in the same pieces and so in the same order.
  auto const shard = "parallel.shard=" + GENERATE(as<std::string>(), "none", "optimizer", "full");
  auto const more = GENERATE(as<std::string>(), "training.micro_batch=1", "curvature.probe=batch",
                             "optimizer.name=muon", "parallel.reduction=ordered");
  auto const& calls = fresh_stand_in();
  auto const found = trained(through_nccl({shard, more}));
  bool const is_split = shard != "parallel.shard=none";
  bool const is_ordered = more == "parallel.reduction=ordered";
  CHECK((calls.all_gathers > 0) == is_split);
  CHECK((calls.reduce_scatters > 0) == (is_split && !is_ordered));
  CHECK((calls.all_reduces > 0) == (!is_split && !is_ordered));
  int const started = calls.started();
  CHECK(found == trained({shard, more}));
  CHECK(calls.started() == started);
}

/// How many sums NCCL was given by the time a region began, and all in all.
class StartedBefore final : public RegionObserver {
 public:
  explicit StartedBefore(std::string region) : region_(std::move(region)) {}
  void begin(std::string const& name, RegionWork const&) override {
    if (name == region_) started_.push_back(stand_in().all_reduces);
  }
  void end() override {}
  std::vector<int> const& started() const { return started_; }

 private:
  std::string region_;
  std::vector<int> started_;
};

TEST_CASE("a gradient's sums are under way before its pass ends", "[transport]") {
  auto run = run_with(through_nccl({"curvature.enabled=false"}));
  run.context = Context<Space>(MPI_COMM_WORLD, run.config.parallel.context());
  train::Run<Scalar, Space> trainer(run.context, run.config);
  auto const parameters = static_cast<Index>(trainer.parameters().size());
  auto const of_bucket = run.config.parallel.reduction.bucket_bytes / Index{sizeof(Scalar)};
  auto const buckets = static_cast<int>((parameters + of_bucket - 1) / of_bucket);
  REQUIRE(buckets > 5);
  fresh_stand_in();
  StartedBefore input("kyrtos::token_embedding::backward"), finish("kyrtos::bucketed_sum::finish");
  run.context.observe(&input);
  trainer.step();
  run.context.observe(&finish);
  trainer.step();
  run.context.observe(nullptr);
  REQUIRE(input.started().size() == 1);
  REQUIRE(finish.started().size() == 1);
  // All but what the input layer is the last to add to.
  auto const& layout = trainer.model().layout();
  auto const last = trainer.model().parts().front();
  auto const waiting = static_cast<int>((last.offset + last.size + of_bucket - 1) / of_bucket);
  INFO(layout.size() << " parameters, " << buckets << " buckets, " << waiting << " at the end");
  CHECK(input.started().front() >= buckets - waiting);
  CHECK(finish.started().front() - buckets >= buckets - waiting);
  CHECK(stand_in().all_reduces == 2 * buckets);
}

/// What the host waits for in a step, by label.
inline std::map<std::string, int> fences_of_step(ContextOptions const& options, bool is_alone,
                                                 std::string const& shard) {
  auto run = run_with({"parallel.shard=" + shard});
  run.context = Context<Space>(is_alone ? MPI_COMM_SELF : MPI_COMM_WORLD, options);
  train::Run<Scalar, Space> trainer(run.context, run.config);
  trainer.step();
  std::map<std::string, int> fences;
  for (auto const& label : KokkosWatch::during([&] { trainer.step(); }).fences)
    if (label.starts_with("kyrtos::")) ++fences[label];
  return fences;
}

TEST_CASE("for sums and gathers through NCCL the host waits for no kernel", "[transport]") {
  auto const shard = GENERATE(as<std::string>(), "none", "optimizer", "full");
  auto const through_nccl = fences_of_step(through_stand_in(), false, shard);
  CHECK(through_nccl == fences_of_step({}, true, "none"));  // as where nothing is sent
  CHECK(fences_of_step({}, false, shard)["kyrtos::MpiMemory::to_mpi"] > 0);
}

}  // namespace kyrtos::testing::transport
