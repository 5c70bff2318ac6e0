// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/train/configured_trainer.hpp>
#include <kyrtos/train/resources.hpp>
#include <kyrtos/train/run_parts.hpp>

#include "run_state.hpp"

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace kyrtos::train {

namespace {

/// What a run keeps of rounded factors: θ, and a direction with `tangents`, where they are not
/// gathered part by part; of x [n, in] and dy [n, out] the largest; of the head all, whose dy is
/// that of a chunk. And the library's own memory for a product, with what is not kept.
template <class Scalar, class Space>
Index factor_bytes(model::Transformer<Scalar, Space> const& model, linalg::FactorFormat format,
                   Index tokens, bool tangents, parallel::Sharding shard) {
  using Products = linalg::RoundedProducts<Space>;
  auto const& c = model.config();
  Index const outputs = c.continuous() ? c.output_features : c.vocabulary;
  Index const chunk =
      std::min(model.scratch_bytes(tokens, false) / (outputs * Index{sizeof(Scalar)}), tokens);
  auto const kept = [&](Index rows, Index columns) {
    return Products::kept_bytes(format, rows, columns);
  };
  // θ is whole on every rank but with `full`, a direction with `none` alone.
  bool const keeps_theta = shard != parallel::Sharding::full,
             keeps_direction = shard == parallel::Sharding::none;
  Index inputs = kept(tokens, c.width), adjoints = kept(chunk, outputs), most = 0;
  for (auto const& segment : model.layout().segments()) {
    bool const is_table = segment.name.starts_with("embedding.") && !c.continuous();
    if (segment.shape.size() != 2 || segment.name.ends_with("position.weight")) continue;
    Index const out = segment.shape[0], in = segment.shape[1];
    bool const is_head = out == outputs, is_input = segment.name.starts_with("embedding.");
    if (is_table && !is_head) continue;
    bool const keeps_rows = is_head || !is_input;
    bool const keeps_weight =
        is_head || (keeps_theta && (keeps_direction || !tangents) && !Products::pads(format, in));
    Index const n = is_head ? chunk : tokens;
    if (keeps_rows) inputs = std::max(inputs, kept(n, in));
    if (keeps_rows) adjoints = std::max(adjoints, kept(n, out));
    constexpr auto bytes = Products::bytes;
    constexpr auto no = linalg::Transpose::no, yes = linalg::Transpose::yes;
    for (bool const adds : {false, true})
      most = std::max({most, bytes(format, no, yes, n, out, in, adds, keeps_rows, keeps_weight),
                       bytes(format, no, no, n, in, out, adds, keeps_rows, keeps_weight),
                       bytes(format, yes, no, out, in, n, adds, keeps_rows, keeps_rows)});
  }
  auto const weights = [&](bool keeps_all) {
    bool const has_head = keeps_all && !Products::pads(format, c.width);
    return (keeps_all ? kept(1, model.layout().size()) : 0) +
           (has_head ? 0 : kept(outputs, c.width));
  };
  Index const more = tangents ? weights(keeps_direction) + inputs + adjoints : 0;
  return most + weights(keeps_theta) + inputs + adjoints + more;
}

/// Counts what a run in this precision takes; without its products where they are missing.
template <class Space>
Context<Space> counting_context(Context<Space> const& context,
                                std::optional<linalg::FactorFormat> format) {
  using Products = linalg::RoundedProducts<Space>;
  Context<Space> const counting(context.space(), context.communicator().get(),
                                {.counts_memory = true});
  if (!format || !Products::missing(*format).empty()) return counting;
  return counting.with_products(std::make_shared<Products>(counting, *format));
}

/// Of the memory named `owner::…`, the owner: what a plan adds up.
std::string owner_of(std::string const& name) {
  return name.substr(0, name.find("::"));
}

/// Bytes of a copy of the run's state on the rank that has most.
template <class Scalar, class Space>
double copied_bytes(ConfiguredTrainer<Scalar, Space> const& c, int ranks) {
  auto const vectors = saved_vectors(c.theta, *c.optimizer, c.trainer.probe()).size();
  auto const& partition = c.theta.partition();
  double const share = partition.is_split()
                           ? static_cast<double>(partition.local_size())
                           : std::ceil(static_cast<double>(partition.size()) / ranks);
  return static_cast<double>(vectors) * share * sizeof(Scalar);
}

}  // namespace

template <class Scalar, class Space>
Resources resources_of(Context<Space> const& context, RunConfig config, int ranks, Index depth,
                       std::function<void(ConfiguredTrainer<Scalar, Space> const&)> const& ask) {
  auto const format = factor_format(config.training.precision);
  config.training.precision =
      std::is_same_v<Scalar, double> ? Precision::float64 : Precision::float32;
  config.growth.initial_depth = depth;
  auto const counting = counting_context(context, format);
  // The last rank has most of what does not divide.
  ConfiguredTrainer<Scalar, Space> c(counting, config, {ranks - 1, ranks});
  if (config.curvature.enabled) {
    c.watch({});
    c.check({});
  }
  if (ask) ask(c);
  auto const& train = c.training_share;
  auto const sequences = [](BatchShare const& share) {
    return share.micro_batch * (share.count + share.fillers);
  };
  auto const tokens_of = [&](Index count) {
    MicroBatches<Scalar, Space>(counting, {count, config.training.length}, 1);
  };
  tokens_of(sequences(train));
  tokens_of(sequences(train));  // of validation
  if (config.curvature.enabled && config.curvature.probe != CurvatureConfig::Probe::batch)
    tokens_of(sequences(c.probe_share));
  if (config.curvature.enabled && config.curvature.check_every > 0)
    tokens_of(sequences(c.probe_share));

  Resources r;
  for (auto const& [name, bytes] : counting.counted())
    r.add(owner_of(name), static_cast<double>(bytes));
  if (format) {
    Index const most =
        std::max(train.micro_batch, config.curvature.enabled ? c.probe_share.micro_batch : 0);
    r.add("rounded factors",
          static_cast<double>(factor_bytes(c.model, *format, most * config.training.length,
                                           config.curvature.enabled, config.parallel.shard)));
  }
  double const state = copied_bytes(c, ranks);
  auto const add_copies = [&](char const* name, Index count) {
    r.copy_bytes += static_cast<double>(count) * state;
    if (compat::is_host_accessible<Space>) r.add(name, static_cast<double>(count) * state);
  };
  add_copies("copy of a checkpoint", config.output.asynchronous ? 1 : 0);
  add_copies("states of the recorder", config.recorder.states);
  r.parameters = c.model.layout().size();
  r.active_depth = depth;
  r.parts = static_cast<double>(c.model.parts().size());
  r.buckets = std::ceil(sizeof(Scalar) * static_cast<double>(r.parameters) /
                        static_cast<double>(config.parallel.reduction.bucket_bytes));
  r.micro_batches = train.count + train.fillers;
  r.step_flops = c.step_flops();
  auto const& curvature = c.config.curvature;
  if (!curvature.enabled) return r;
  r.product_flops = c.product_flops();
  bool const rounds = curvature.precision != CurvatureConfig::Factors::training;
  r.check_products =
      check_products(curvature, rounds) * forward_passes_of_product(curvature, false) /
      forward_passes_of_product(curvature, curvature.probe == CurvatureConfig::Probe::batch);
  return r;
}

void Resources::add(std::string const& name, double bytes) {
  if (bytes <= 0) return;
  auto const entry =
      std::find_if(memory.begin(), memory.end(), [&](Entry const& e) { return e.name == name; });
  if (entry == memory.end())
    memory.push_back({name, bytes});
  else
    entry->bytes += bytes;
  memory_bytes += bytes;
}

namespace {

/// Time of a collective operation in `messages`; all-reduces cost two of these.
struct Link {
  DeviceRates rates;
  int ranks;

  double seconds(double bytes, double messages) const {
    double const others = static_cast<double>(ranks - 1) / ranks;
    return others * bytes / rates.bandwidth +
           messages * std::ceil(std::log2(ranks)) * rates.latency;
  }
  /// What is left of it behind `compute` seconds: at least one message of so many.
  double exposed(double bytes, double messages, double compute) const {
    double const all = seconds(bytes, messages);
    return std::max(all - compute, all / messages);
  }
};

}  // namespace

StepSeconds step_seconds(RunConfig const& config, Resources const& work, int ranks,
                         DeviceRates const& rates, double products) {
  double const rate = rates.flops * rates.share * ranks;
  return step_seconds(config, work, ranks, rates,
                      {work.step_flops / rate, work.product_flops / rate}, products);
}

StepSeconds step_seconds(RunConfig const& config, Resources const& work, int ranks,
                         DeviceRates const& rates, ComputeSeconds const& computing,
                         double products) {
  auto const [gradient, product] = computing;
  StepSeconds t{.compute = gradient + products * product};
  if (ranks == 1) return t;
  Link const link{rates, ranks};
  double const bytes = static_cast<double>(work.parameters) *
                       (config.training.precision == Precision::float64 ? 8 : 4);
  // Forward passes are a third of a gradient and 3/8 of a product, backward passes the rest.
  if (config.parallel.shard == parallel::Sharding::none) {
    t.exposed = 2 * link.exposed(bytes, work.buckets, gradient / 3);
    t.exposed += products * 2 * link.exposed(bytes, work.buckets, product * 5 / 16);
    return t;
  }
  auto const passes = static_cast<double>(work.micro_batches);
  bool const gathers = config.parallel.shard == parallel::Sharding::full;
  auto const forward_and_back = [&](double seconds, double forward, double gathered) {
    double exposed =
        gathered > 0 ? link.exposed(gathered * bytes, work.parts, seconds * forward) : 0;
    exposed += link.exposed((1 + gathered) * bytes, work.parts, seconds * (1 - forward));
    return exposed;
  };
  t.exposed = passes * forward_and_back(gradient / passes, 1.0 / 3, gathers ? 1 : 0);
  if (!gathers) t.exposed += link.seconds(bytes, work.parts);  // θ, after its update
  t.exposed += products * forward_and_back(product, 3.0 / 8, gathers ? 2 : 1);
  return t;
}

#define KYRTOS_RESOURCES(SCALAR, SPACE)             \
  template Resources resources_of<SCALAR, SPACE>(   \
      Context<SPACE> const&, RunConfig, int, Index, \
      std::function<void(ConfiguredTrainer<SCALAR, SPACE> const&)> const&);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_RESOURCES)

}  // namespace kyrtos::train
