// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/train/run.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "tiny_run.hpp"

#include <algorithm>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <catch2/matchers/catch_matchers_string.hpp>

// Where only some targets count, a step's loss is the mean over these, however the batch is cut.

namespace kyrtos::testing {

using Scalar = KYRTOS_TEST_SCALAR;
using Catch::Matchers::ContainsSubstring;

inline Index counted(std::vector<Token> const& targets) {
  return std::count_if(targets.begin(), targets.end(), [](Token t) { return t >= 0; });
}

/// The batches of a run's configuration, on a model at its initial values.
struct CountedBatches {
  explicit CountedBatches(TinyRun const& run)
      : ranks(run.context.communicator()),
        trainer(run.context, run.config, {ranks.rank(), ranks.size()}, never_interrupted),
        stream(train::token_stream<Scalar>(run.context, run.config,
                                           train::open_training_data(run.config).train,
                                           trainer.training_share, train::Purpose::training)),
        gradient("gradient", trainer.theta.partition().local_size()) {
    trainer.theta.initialize(trainer.model, 5);
  }

  /// Loss and gradient of a batch over all ranks, with a weight for each of its targets.
  std::pair<double, Numbers> gradient_of(io::TokenBatch const& batch, double weight) {
    auto const& share = trainer.training_share;
    train::MicroBatches<Scalar, Space> memory(
        trainer.context, {share.micro_batch, batch.shape.length}, share.count, share.fillers);
    auto const first = static_cast<std::size_t>(share.first * batch.shape.length);
    auto const size = static_cast<std::size_t>(memory.tokens());
    memory.load(std::span(batch.inputs).subspan(first, size),
                std::span(batch.targets).subspan(first, size), weight);
    trainer.objective.set_batches(memory.all());
    double const loss = trainer.objective.gradient(gradient);
    return {loss, on_host(gradient)};
  }

  Communicator ranks;
  train::ConfiguredTrainer<Scalar, Space> trainer;
  train::TokenStream<Scalar, Space> stream;
  Vector<Scalar, Space> gradient;
};

// Bytes of tiny_run's text: words end with a space, sentences with a point.
std::vector<std::string> const words_after_a_space{"data.loss_after=32", "data.loss_until=46",
                                                   "training.batch=8"};

inline std::vector<std::string> counting(std::vector<std::string> more) {
  more.insert(more.begin(), words_after_a_space.begin(), words_after_a_space.end());
  return more;
}

TEST_CASE("the loss is the mean over the targets that count, on all ranks", "[counted_targets]") {
  auto const shard = GENERATE(as<std::string>(), "none", "full");
  auto const micro_batch = GENERATE(as<std::string>(), "0", "1");
  INFO(shard << ", micro-batches of " << micro_batch);
  TinyRun const cut(counting({"parallel.shard=" + shard, "training.micro_batch=" + micro_batch}));
  TinyRun const plain({"training.batch=8", "parallel.shard=" + shard});
  CountedBatches some(cut), all(plain);

  auto const marked = some.stream.whole_batch(3), whole = all.stream.whole_batch(3);
  auto others = whole;  // the targets that don't count
  for (std::size_t i = 0; i < whole.targets.size(); ++i)
    if (marked.targets[i] >= 0) others.targets[i] = -1;
  Index const n = counted(marked.targets);
  REQUIRE(n > 8);
  REQUIRE(counted(others.targets) > 8);

  some.stream.load(3);
  some.trainer.objective.set_batches(some.stream.batches());
  double const loss = some.trainer.objective.gradient(some.gradient);
  // The sums over those that count and over the others are that over all.
  auto const [whole_loss, whole_gradient] = all.gradient_of(whole, 1);
  auto const [other_loss, other_gradient] = all.gradient_of(others, 1);
  auto const number = static_cast<double>(n);
  CHECK(near(number * loss, whole_loss - other_loss, 1e-12));
  auto const difference =
      plus(plus(whole_gradient, -1, other_gradient), -number, on_host(some.gradient));
  double const error = some.ranks.sum(dot(difference, difference));
  double const size = some.ranks.sum(dot(whole_gradient, whole_gradient));
  CHECK(error < 1e-22 * size);
}

TEST_CASE("a probe that is the whole batch has the batch's loss", "[counted_targets]") {
  TinyRun const run(counting({"curvature.probe=batch", "curvature.probe_sequences=8"}));
  CountedBatches some(run);
  some.stream.load(0);
  some.trainer.objective.set_batches(some.stream.batches());
  double const loss = some.trainer.objective.loss();
  auto const kept = some.stream.split(some.trainer.kept, some.ranks.size()).second;
  REQUIRE(kept);
  auto batch = kept->batch;
  batch.weight = kept->weight_alone;
  some.trainer.objective.set_batches({batch});
  CHECK(near(some.trainer.objective.loss(), loss, 1e-13));
}

TEST_CASE("runs step on what counts alone, and say where nothing does", "[counted_targets]") {
  TinyRun const some(counting({"training.steps=2"})), none({"data.loss_after=127"});
  train::Run<Scalar, Space> run(some.context, some.config);
  CHECK(run.step().loss > 0);
  CHECK(run.validation_loss().value() > 0);
  CHECK_THAT(failure<FileError>([&] {
               train::Run<Scalar, Space> empty(none.context, none.config);
               empty.step();
             }),
             ContainsSubstring("data.loss_after = 127: none of the 6 sequences"));
}

}  // namespace kyrtos::testing
