// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/train/run.hpp>

#include "tiny_run.hpp"

#include <catch2/catch_test_macros.hpp>
#include <numeric>
#include <utility>

// A run that stops after every single step, and goes on elsewhere.

namespace kyrtos::testing::handover {

using Scalar = KYRTOS_TEST_SCALAR;

/// The first so many ranks; the others have none.
class FirstRanks {
 public:
  explicit FirstRanks(int count) {
    int rank = 0;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    MPI_Comm_split(MPI_COMM_WORLD, rank < count ? 0 : MPI_UNDEFINED, rank, &ranks_);
  }
  ~FirstRanks() {
    if (has_this()) MPI_Comm_free(&ranks_);
  }
  FirstRanks(FirstRanks&&) = delete;

  bool has_this() const { return ranks_ != MPI_COMM_NULL; }
  MPI_Comm get() const { return ranks_; }

 private:
  MPI_Comm ranks_ = MPI_COMM_NULL;
};

struct Place {
  int ranks;
  std::string shard;
};

/// Inputs and targets of a step's whole batch, in the order of ranks, on rank 0.
inline std::vector<Token> tokens_of(Communicator const& ranks,
                                    train::Run<Scalar, Space> const& trainer) {
  std::vector<Token> own, all;
  for (auto const& batch : trainer.batches()) {
    if (batch.weight == 0) continue;
    for (auto const& tokens : {batch.inputs, batch.targets}) {
      auto const host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), tokens);
      own.insert(own.end(), host.data(), host.data() + host.size());
    }
  }
  int const size = static_cast<int>(own.size());
  std::vector<int> sizes(static_cast<std::size_t>(ranks.size())), places(sizes.size(), 0);
  MPI_Gather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, 0, ranks.get());
  std::partial_sum(sizes.begin(), sizes.end() - 1, places.begin() + 1);
  all.resize(static_cast<std::size_t>(places.back() + sizes.back()));
  MPI_Gatherv(own.data(), size, MPI_INT32_T, all.data(), sizes.data(), places.data(), MPI_INT32_T,
              0, ranks.get());
  return all;
}

/// A growing run of 30 steps, checkpoint after checkpoint.
struct Relay {
  TinyRun run{{"training.steps=30", "model.depth=3", "growth.initial_depth=1", "growth.when=steps",
               "growth.start=8", "growth.every=9", "growth.groups=2", "curvature.max_hvps=2",
               "optimizer.beta2=0.95", "growth.entry=projections", "training.micro_batch=1"}};

  std::vector<std::vector<Token>> read{};  ///< Of each step taken, on rank 0.

  /// From one file (or the start, where that is empty) to another.
  void leg(Place const& place, int steps, std::string const& from, std::string const& to) {
    if (FirstRanks const ranks(place.ranks); ranks.has_this()) {
      Context<Space> const context(ranks.get());
      auto config = run.config;
      config.parallel.shard = place.shard == "full"        ? parallel::Sharding::full
                              : place.shard == "optimizer" ? parallel::Sharding::optimizer
                                                           : parallel::Sharding::none;
      train::Run<Scalar, Space> trainer(context, config);
      if (!from.empty()) trainer.restore(io::CheckpointReader(context.communicator(), from));
      for (int i = 0; i < steps; ++i) {
        trainer.step();
        read.push_back(tokens_of(context.communicator(), trainer));
      }
      trainer.save(to);
    }
    MPI_Barrier(MPI_COMM_WORLD);
  }

  std::string file(std::string const& name) const { return run.directory / (name + ".h5"); }

  Numbers parameters(std::string const& path) const {
    Context<Space> const alone(MPI_COMM_SELF);
    model::Transformer<Scalar, Space> const model(run.config.model);
    auto const theta = allocate<Scalar>(alone, "theta", model.layout().size());
    io::CheckpointReader(alone.communicator(), path)
        .read<Scalar, Space>(alone, "parameters", model.layout(), theta);
    return on_host(theta);
  }
};

TEST_CASE("stopped after every step, a run ends bit by bit where it would have", "[handover]") {
  Relay relay;
  std::string const shard = "full";
  relay.leg({4, shard}, 30, "", relay.file("whole"));
  std::string from;
  for (int step = 0; step < 30; ++step) {
    auto const to = relay.file(step % 2 == 0 ? "even" : "odd");
    relay.leg({4, shard}, 1, from, to);
    from = to;
  }
  CHECK(relay.parameters(from) == relay.parameters(relay.file("whole")));
}

TEST_CASE(
    "handed from 4 ranks to 1 to 3 and on, in other shard modes, a run ends where it would "
    "have, and reads the same tokens in the same order",
    "[handover]") {
  Relay relay;
  relay.leg({4, "none"}, 30, "", relay.file("whole"));
  auto const expected = std::exchange(relay.read, {});
  Place const places[] = {{4, "full"}, {1, "none"}, {3, "optimizer"}, {4, "optimizer"},
                          {1, "full"}, {3, "full"}, {2, "none"}};
  std::string from;
  for (int step = 0; step < 30; ++step) {
    auto const to = relay.file(step % 2 == 0 ? "even" : "odd");
    relay.leg(places[step % 7], 1, from, to);
    from = to;
  }
  if (Communicator(MPI_COMM_WORLD).is_root()) {
    CHECK(expected.size() == 30);
    CHECK(expected.front().size() == 2 * 6 * 16);  // inputs and targets of six sequences
    CHECK(expected[0] != expected[1]);
    CHECK(relay.read == expected);
  }
  auto const wanted = relay.parameters(relay.file("whole")), found = relay.parameters(from);
  double largest = 0, gap = 0;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    largest = std::max(largest, std::fabs(wanted[i]));
    gap = std::max(gap, std::fabs(wanted[i] - found[i]));
  }
  // Adam divides by √v, which for parameters that hardly matter makes rounding errors grow.
  CHECK(gap / largest < (std::is_same_v<Scalar, double> ? 1e-9 : 1e-2));
}

}  // namespace kyrtos::testing::handover
