// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/linalg/rounded_products.hpp>
#include <kyrtos/train/curvature_probe.hpp>
#include <kyrtos/train/resources.hpp>
#include <kyrtos/train/run_parts.hpp>
#include <kyrtos/train/token_stream.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <string_view>

namespace kyrtos {

namespace {

using Shard = ParallelConfig::Shard;
using Method = CurvatureConfig::Method;

/// Vectors of this rank's length beside whole ones: gradient, optimiser, estimator.
double own_vectors(RunConfig const& config) {
  double const optimizer = config.optimizer.kind == OptimizerConfig::Kind::sgd ? 1 : 2;
  double const block = static_cast<double>(config.curvature.block);
  double estimator = 0;
  if (config.curvature.enabled) {
    switch (config.curvature.method) {
      case Method::tracker:
        estimator = block + (block > 1 ? block : 0);
        break;
      case Method::cold:  // the iteration's two, and two of the preconditioned matrix
        estimator = has_preconditioner(config.optimizer, config.curvature) ? 4 : 2;
        break;
      case Method::critical:
        estimator = 2;
        break;
    }
    if (config.curvature.reference_every > 0)
      estimator += static_cast<double>(config.curvature.reference_hvps) + 1;
  }
  double const line = config.cdat.scale > 0 ? 3 : 0;  // θ, the step, its product with H
  return 1 + optimizer + estimator + line;
}

/// Vectors in a checkpoint: parameters, the optimiser's, the tracker's.
double saved_vectors(RunConfig const& config) {
  double const optimizer = config.optimizer.kind == OptimizerConfig::Kind::sgd ? 1 : 2;
  bool const tracks = config.curvature.enabled && config.curvature.method == Method::tracker;
  return 1 + optimizer + (tracks ? static_cast<double>(config.curvature.block) : 0);
}

/// Elements of the buffers in which a sharded vector is gathered or summed
/// (parallel/part_buffers.hpp).
Index buffer_elements(Shards const& shards) {
  auto const& parts = shards.parts();
  Index between = 0;
  for (std::size_t i = 1; i + 1 < parts.size(); ++i) between = std::max(between, parts[i].piece);
  Index const ends = std::max(parts.front().piece, parts.back().piece);
  return (ends + 2 * between) * shards.ranks();
}

/// Bytes that the largest product of rounded factors holds: of x [n, in], y [n, out] and W [out,
/// in], each is made of the two others in some pass. The head's n is a chunk.
template <class Scalar, class Space>
Index factor_bytes(Transformer<Scalar, Space> const& model, linalg::FactorFormat format,
                   Index tokens) {
  auto const& c = model.config();
  Index const outputs = c.continuous() ? c.output_features : c.vocabulary;
  Index const chunk = model.scratch_bytes(tokens, false) / (outputs * Index{sizeof(Scalar)});
  std::set<std::pair<Index, Index>> weights;
  for (auto const& segment : model.layout().segments())
    if (segment.shape.size() == 2 && !segment.name.ends_with("position.weight"))
      weights.emplace(segment.shape[0], segment.shape[1]);
  constexpr auto bytes = linalg::RoundedProducts<Space>::bytes;
  constexpr auto no = linalg::Transpose::no, yes = linalg::Transpose::yes;
  Index most = 0;
  for (auto const& [out, in] : weights) {
    Index const n = out == outputs ? std::min(chunk, tokens) : tokens;
    for (bool const adds : {false, true})
      most = std::max({most, bytes(format, no, yes, n, out, in, adds),
                       bytes(format, no, no, n, in, out, adds),
                       bytes(format, yes, no, out, in, n, adds)});
  }
  return most;
}

ActiveBlocks first_blocks(Index all, Index depth) {
  ActiveBlocks active(static_cast<std::size_t>(all), false);
  std::fill_n(active.begin(), std::min(all, depth), true);
  return active;
}

BatchShare largest_share(RunConfig const& config, Index sequences, int ranks, char const* key) {
  bool const equal = config.parallel.shard != Shard::none;
  bool const trains = std::string_view(key) == "training.batch";
  Index const wanted = config.training.micro_batch;
  Index const micro = trains ? wanted : micro_batch_within(sequences, wanted, ranks);
  return share_of(sequences, micro, ranks - 1, ranks, key, equal);  // the last has most
}

}  // namespace

template <class Scalar, class Space>
Resources resources_of(Context<Space> const& context, RunConfig const& config, int ranks,
                       Index depth) {
  Transformer<Scalar, Space> const model(config.model);
  Shards const shards(model.parts(), 0, ranks);
  auto const& c = config.curvature;
  Resources r;
  r.parameters = model.layout().size();
  r.active_depth = depth;
  r.parts = static_cast<double>(shards.parts().size());
  double const size = sizeof(Scalar);
  r.buckets = std::ceil(size * static_cast<double>(r.parameters) /
                        static_cast<double>(config.parallel.reduction.bucket_bytes));
  auto const add = [&](std::string const& name, double bytes) {
    if (bytes > 0) r.memory.push_back({name, bytes});
    r.memory_bytes += bytes;
  };

  bool const sharded = config.parallel.shard != Shard::none;
  auto const whole = static_cast<double>(r.parameters) * size;
  auto const own = static_cast<double>(sharded ? shards.local_size() : r.parameters) * size;
  bool const has_line = config.cdat.scale > 0;  // which reads another θ
  add("parameters",
      own + (config.parallel.shard == Shard::optimizer ? (has_line ? 2 : 1) * whole : 0));
  add("gradient and product, moments, directions", own_vectors(config) * own);
  if (sharded) {
    // θ and its gradient; x and its product, or a trial θ.
    double const users = (!c.enabled                     ? 2
                          : c.method == Method::critical ? 3
                                                         : 4) +
                         (has_line ? 3 : 0);
    add("parts on their way", users * static_cast<double>(buffer_elements(shards)) * size);
  }
  if (config.output.asynchronous) {
    double const share =
        sharded ? own : std::ceil(static_cast<double>(r.parameters) / ranks) * size;
    r.copy_bytes = saved_vectors(config) * share;
    if (compat::is_host_accessible<Space>) add("copy of a checkpoint", r.copy_bytes);
  }

  auto const active = first_blocks(config.model.depth, depth);
  auto const workspace = [&](char const* name, Index sequences, char const* key, bool tangents) {
    auto const share = largest_share(config, sequences, ranks, key);
    SequenceShape const shape{share.micro_batch, config.training.length};
    TransformerWorkspaceOptions options{.active = active, .tangents = tangents};
    options.scores = std::string(name) == "activations";
    if (options.scores) options.recompute = config.training.recompute;
    options.allocates = false;
    TransformerWorkspace<Scalar, Space> const ws(context, model, shape, options);
    add(name, static_cast<double>(ws.bytes()));
    return std::pair(share, model.scratch_bytes(shape.tokens(), tangents));
  };
  auto const [share, scratch] =
      workspace("activations", config.training.batch, "training.batch", false);
  Index most_scratch = scratch, most_at_once = share.micro_batch;
  if (has_line)
    most_scratch = std::max(most_scratch, workspace("activations and tangents of the update",
                                                    config.training.batch, "training.batch", true)
                                              .second);
  double sequences = 2 * static_cast<double>(share.micro_batch * (share.count + share.fillers));
  if (c.enabled) {
    auto const [probe, probe_scratch] =
        workspace("activations and tangents of the probe", c.probe_sequences,
                  "curvature.probe_sequences", c.method != Method::critical);
    most_scratch = std::max(most_scratch, probe_scratch);
    most_at_once = std::max(most_at_once, probe.micro_batch);
    sequences += static_cast<double>(probe.micro_batch * (probe.count + probe.fillers));
  }
  add("scratch of the head", static_cast<double>(most_scratch));
  if (auto const format = factor_format(config.training.precision))
    add("rounded factors",
        static_cast<double>(factor_bytes(model, *format, most_at_once * config.training.length)));
  add("tokens", sequences * static_cast<double>(2 * config.training.length) * sizeof(Token));

  r.micro_batches = share.count + share.fillers;
  r.step_flops = (config.training.recompute ? 4 : 3) *
                 model.forward_flops({config.training.batch, config.training.length}, active);
  if (c.enabled)
    r.product_flops = (c.method == Method::critical ? 1 : 8) *
                      model.forward_flops({c.probe_sequences, config.training.length}, active);
  return r;
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
  double const gradient = work.step_flops / rate, product = work.product_flops / rate;
  StepSeconds t{.compute = gradient + products * product};
  if (ranks == 1) return t;
  Link const link{rates, ranks};
  double const bytes = static_cast<double>(work.parameters) *
                       (config.training.precision == Precision::float64 ? 8 : 4);
  // Forward passes are a third of a gradient and 3/8 of a product, backward passes the rest.
  if (config.parallel.shard == Shard::none) {
    t.exposed = 2 * link.exposed(bytes, work.buckets, gradient / 3);
    t.exposed += products * 2 * link.exposed(bytes, work.buckets, product * 5 / 16);
    return t;
  }
  auto const passes = static_cast<double>(work.micro_batches);
  bool const gathers = config.parallel.shard == Shard::full;
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

#define KYRTOS_RESOURCES_FOR(SCALAR, SPACE)                                                    \
  template Resources resources_of<SCALAR, SPACE>(Context<SPACE> const&, RunConfig const&, int, \
                                                 Index);
#define KYRTOS_RESOURCES(SPACE)      \
  KYRTOS_RESOURCES_FOR(float, SPACE) \
  KYRTOS_RESOURCES_FOR(double, SPACE)
KYRTOS_FOR_EACH_SPACE(KYRTOS_RESOURCES)

}  // namespace kyrtos
