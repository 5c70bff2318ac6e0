// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/growth/depth_schedule.hpp>
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/parallel/agreement.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "run_state.hpp"

#include <algorithm>
#include <fmt/format.h>

namespace kyrtos::train {

// ---- Data --------------------------------------------------------------------------------------

std::uint64_t seed_for(RunConfig const& config, Purpose purpose) {
  return static_cast<std::uint64_t>(config.training.seed) +
         (static_cast<std::uint64_t>(purpose) << 32);
}

namespace {

io::WindowOrder window_order(RunConfig const& config, io::TokenDataset const& data, Index batch,
                             Purpose purpose) {
  bool const random =
      purpose != Purpose::training || config.data.order == DataConfig::Order::random;
  return {.tokens = data.size(),
          .length = config.training.length,
          .batch = batch,
          .seed = seed_for(config, purpose),
          .random = random};
}

io::TokenFormat token_format(RunConfig const& config) {
  switch (config.data.format) {
    case DataConfig::Format::bytes:
      return io::TokenFormat::bytes;
    case DataConfig::Format::tokens:
      return io::TokenFormat::uint16;
    case DataConfig::Format::tokens32:
      return io::TokenFormat::uint32;
    case DataConfig::Format::tokens64:
      return io::TokenFormat::int64;
    case DataConfig::Format::automatic:
      break;
  }
  // Read as uint16, such tokens would all lie in the vocabulary, every second one an upper half.
  constexpr Index most_of_uint16 = 65536;
  return config.model.vocabulary > most_of_uint16 ? io::TokenFormat::uint32
                                                  : io::TokenFormat::automatic;
}

}  // namespace

TrainingData open_training_data(RunConfig const& config) {
  auto const& c = config.data;
  if (c.train.empty())
    throw ConfigError(
        "data.train is empty: name the files to train on, for instance "
        "--set data.train=text.txt");
  if (config.model.continuous())
    throw ConfigError(
        "model.input_features: training from files needs tokens; continuous inputs "
        "are for programs that embed the library");
  io::TokenDataset all(c.train, token_format(config));
  auto [train, validation] =
      c.validation.empty() ? all.split(c.validation_fraction)
                           : std::pair(all, io::TokenDataset(c.validation, token_format(config)));
  TrainingData data{std::move(train), std::move(validation), std::move(all)};
  window_order(config, data.train, 1, Purpose::training).check("data.train");
  if (config.training.evaluate_every > 0)
    window_order(config, data.validation, 1, Purpose::validation)
        .check(c.validation.empty() ? "data.validation_fraction of data.train" : "data.validation");
  return data;
}

Index probe_sequences(RunConfig const& config, int ranks) {
  auto const& c = config.curvature;
  if (c.probe_sequences > 0) return c.probe_sequences;
  constexpr Index enough = 16;
  if (c.probe != CurvatureConfig::Probe::batch) return enough;
  return std::min((enough + ranks - 1) / ranks * ranks, config.training.batch);
}

TrainingData checked_training_data(Communicator const& ranks, RunConfig const& config) {
  auto data = open_training_data(config);
  parallel::on_root<FileError>(ranks, [&] {
    data.train.check(config.model.vocabulary);
    data.validation.check(config.model.vocabulary);
  });
  return data;
}

BatchShare batch_share(RunConfig const& config, Index sequences, Purpose purpose, RankPlace place) {
  bool const probes = purpose == Purpose::probe || purpose == Purpose::check;
  // A probe's memory is its own: its micro-batches need not have the size of training's.
  Index const wanted = config.training.micro_batch;
  Index const micro_batch =
      probes ? micro_batch_within(sequences, wanted, place.ranks) : std::min(wanted, sequences);
  return share_of(sequences, micro_batch, place.rank, place.ranks,
                  probes ? "curvature.probe_sequences" : "training.batch",
                  config.parallel.shard != parallel::Sharding::none);
}

template <class Scalar, class Space>
TokenStream<Scalar, Space> token_stream(Context<Space> const& context, RunConfig const& config,
                                        io::TokenDataset const& data, BatchShare const& share,
                                        Purpose purpose) {
  bool const probes = purpose == Purpose::probe || purpose == Purpose::check;
  Index const batch =
      probes ? probe_sequences(config, context.communicator().size()) : config.training.batch;
  return {context,
          data,
          window_order(config, data, batch, purpose),
          config.model.vocabulary,
          share,
          {static_cast<Token>(config.data.loss_after), static_cast<Token>(config.data.loss_until)}};
}

#define KYRTOS_TOKEN_STREAM(SCALAR, SPACE)                                                     \
  template TokenStream<SCALAR, SPACE> token_stream(Context<SPACE> const&, RunConfig const&,    \
                                                   io::TokenDataset const&, BatchShare const&, \
                                                   Purpose);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_TOKEN_STREAM)

std::optional<linalg::FactorFormat> factor_format(Precision precision) {
  if (precision == Precision::bf16) return linalg::FactorFormat::bfloat16;
  if (precision == Precision::tf32) return linalg::FactorFormat::tf32;
  return std::nullopt;
}

template <class Space>
std::string missing_for(Precision precision) {
  auto const format = factor_format(precision);
  return format ? linalg::RoundedProducts<Space>::missing(*format) : "";
}

template <class Space>
Context<Space> with_precision(Context<Space> const& context, Precision precision, char const* key) {
  auto const format = factor_format(precision);
  if (!format || context.products() != nullptr) return context;
  auto const missing = missing_for<Space>(precision);
  require<ConfigError>(missing.empty(), std::string(key) + " " + name_of(precision) + ": " +
                                            missing + "; choose float32");
  return context.with_products(std::make_shared<linalg::RoundedProducts<Space>>(context, *format));
}

#define KYRTOS_WITH_PRECISION(SPACE)                  \
  template std::string missing_for<SPACE>(Precision); \
  template Context<SPACE> with_precision(Context<SPACE> const&, Precision, char const*);
KYRTOS_FOR_EACH_SPACE(KYRTOS_WITH_PRECISION)

// ---- Blocks ------------------------------------------------------------------------------------

model::ActiveBlocks initially_active(RunConfig const& config) {
  growth::DepthSchedule const schedule(config.growth, config.model.depth, config.schedule);
  model::ActiveBlocks active(static_cast<std::size_t>(config.model.depth), false);
  auto const order =
      growth::joining_order(config.growth.where, schedule.initial_depth(), config.model.depth);
  for (Index i = 0; i < schedule.initial_depth(); ++i)
    active[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] = true;
  return active;
}

model::ActiveBlocks active_blocks(RunConfig const& config, std::string const& state,
                                  std::string const& file) {
  auto const growth = growth_state_from_json(state, file);
  if (!growth) return initially_active(config);
  if (static_cast<Index>(growth->starts.size()) != config.model.depth)
    throw FileError(fmt::format("{}: its training state is that of {} blocks, its model has {}",
                                file, growth->starts.size(), config.model.depth));
  return growth->active();
}

bool takes_part(Segment const& segment, model::ActiveBlocks const& active) {
  for (std::size_t block = 0; block < active.size(); ++block)
    if (segment.name.starts_with("blocks." + std::to_string(block) + ".")) return active[block];
  return true;
}

std::vector<curvature::AdamRange> adam_ranges(ParameterLayout const& layout,
                                              std::string const& state, std::string const& file,
                                              Index steps) {
  auto const growth = growth_state_from_json(state, file);
  if (!growth) return {{0, layout.size(), steps, steps}};
  return adam_ranges(growth::ranges_of(layout, growth->starts), steps);
}

}  // namespace kyrtos::train
