// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/optim/sgd.hpp>
#include <kyrtos/train/block_matrices.hpp>
#include <kyrtos/train/configured_trainer.hpp>
#include <kyrtos/train/run_parts.hpp>

#include <algorithm>
#include <fmt/format.h>

namespace kyrtos::train {

template <class Scalar, class Space>
std::unique_ptr<optim::Optimizer<Scalar, Space>> make_optimizer(
    Context<Space> const& context, model::Transformer<Scalar, Space> const& model,
    Partition const& partition, std::vector<optim::ParameterRange> ranges,
    RunConfig const& config) {
  auto adamw = config.optimizer.adamw;
  if (config.optimizer.independent_decay) adamw.decay_reference_rate = config.schedule.peak;
  if (config.optimizer.kind == OptimizerConfig::Kind::sgd)
    return std::make_unique<optim::Sgd<Scalar, Space>>(
        context, partition.local_size(), std::move(ranges),
        optim::SgdOptions{config.optimizer.momentum, adamw.weight_decay,
                          adamw.decay_reference_rate});
  auto const tensors = optim::tensors_of(model.layout(), partition);
  if (config.optimizer.kind == OptimizerConfig::Kind::muon)
    return std::make_unique<optim::Muon<Scalar, Space>>(
        context, std::move(ranges), block_matrices(model.layout(), model.config()), tensors, adamw,
        config.optimizer.muon);
  return std::make_unique<optim::AdamW<Scalar, Space>>(context, partition.local_size(),
                                                       std::move(ranges), adamw, tensors);
}

TrainerOptions trainer_options(RunConfig const& config, Interruption interrupted) {
  auto const& c = config.training;
  return {.clip_norm = c.clip_norm,
          .skip_z_score = c.skip_z_score,
          .z_score_window = c.z_score_window,
          .qk_clip = c.qk_clip,
          .cdat = config.cdat,
          .sharpness_cap = config.sharpness_cap,
          .tensors_every = config.output.tensors_every,
          .interrupted = std::move(interrupted)};
}

namespace {

RunConfig with_probe_sequences(RunConfig config, int ranks) {
  config.curvature.probe_sequences = probe_sequences(config, ranks);
  return config;
}

KeptShare kept_share(RunConfig const& config, BatchShare const& share, RankPlace place) {
  auto const& c = config.curvature;
  if (!c.enabled || c.probe != CurvatureConfig::Probe::batch)
    return {.sequences = 0, .micro_batch = share.micro_batch};
  Index const own = share.micro_batch * share.count;
  if (c.probe_sequences % place.ranks != 0 || own * place.ranks != config.training.batch)
    throw ConfigError(fmt::format(
        "curvature.probe = \"batch\": curvature.probe_sequences = {} and training.batch "
        "= {} must divide by the {} ranks; a probe = \"fixed\" need not",
        c.probe_sequences, config.training.batch, place.ranks));
  Index const kept = c.probe_sequences / place.ranks;
  // Micro-batches of one shape for the others: the largest that divides them.
  Index micro_batch = std::min(share.micro_batch, own - kept);
  while (micro_batch > 1 && (own - kept) % micro_batch != 0) --micro_batch;
  return {.sequences = kept, .micro_batch = micro_batch};
}

template <class Scalar, class Space>
Partition partition_for(model::Transformer<Scalar, Space> const& model, RunConfig const& config,
                        RankPlace place) {
  if (config.parallel.shard == parallel::Sharding::none) return model.layout().size();
  return {model.parts(), place.rank, place.ranks};
}

}  // namespace

template <class Scalar, class Space>
ConfiguredTrainer<Scalar, Space>::ConfiguredTrainer(Context<Space> const& where,
                                                    RunConfig const& what, RankPlace place,
                                                    Interruption interrupted)
    : context(with_precision(where, what.training.precision)),
      config(with_probe_sequences(what, place.ranks)),
      training_share(batch_share(config, config.training.batch, Purpose::training, place)),
      probe_share(batch_share(config, config.curvature.probe_sequences, Purpose::probe, place)),
      kept(kept_share(config, training_share, place)),
      model(config.model, config.training.attention),
      theta(context, partition_for(model, config, place), config.parallel.shard),
      growth(context, model, theta.partition(), config.growth, config.schedule,
             static_cast<std::uint64_t>(config.training.seed)),
      optimizer(make_optimizer(context, model, theta.partition(), growth.ranges(0), config)),
      objective(context, model, theta,
                {.workspace = {.active = growth.active(),
                               .recompute = config.training.recompute,
                               .scores = true},
                 .reduction = config.parallel.reduction,
                 .kept_shape = {kept.sequences, config.training.length}},
                {kept.micro_batch, config.training.length}),
      trainer(objective, *optimizer, trainer_options(config, std::move(interrupted))) {}

template <class Scalar, class Space>
void ConfiguredTrainer<Scalar, Space>::watch(std::vector<Batch<Scalar, Space>> probe) {
  CurvatureOptions options = config.curvature;
  options.seed = seed_for(config, Purpose::probe);
  if (config.curvature.probe == CurvatureConfig::Probe::batch) return trainer.watch_kept(options);
  trainer.watch(std::move(probe), options, {probe_share.micro_batch, config.training.length},
                with_precision(context, product_precision(config), "curvature.precision"));
}

template <class Scalar, class Space>
void ConfiguredTrainer<Scalar, Space>::check(
    typename CurvatureCheck<Scalar, Space>::Source source) {
  if (config.curvature.check_every > 0)
    trainer.check(std::move(source), {probe_share.micro_batch, config.training.length});
}

template <class Scalar, class Space>
double ConfiguredTrainer<Scalar, Space>::step_flops() const {
  auto const& c = config.training;
  return (c.recompute ? 4 : 3) * model.forward_flops({c.batch, c.length}, growth.active());
}

template <class Scalar, class Space>
double ConfiguredTrainer<Scalar, Space>::product_flops() const {
  auto const& c = config.curvature;
  if (!c.enabled) return 0;
  return forward_passes_of_product(c, c.probe == CurvatureConfig::Probe::batch) *
         model.forward_flops({c.probe_sequences, config.training.length}, growth.active());
}

KYRTOS_INSTANTIATE(kyrtos::train::ConfiguredTrainer)

#define KYRTOS_MAKE_OPTIMIZER(SCALAR, SPACE)                                             \
  template std::unique_ptr<optim::Optimizer<SCALAR, SPACE>> make_optimizer(              \
      Context<SPACE> const&, model::Transformer<SCALAR, SPACE> const&, Partition const&, \
      std::vector<optim::ParameterRange>, RunConfig const&);
KYRTOS_INSTANTIATE_FUNCTIONS(KYRTOS_MAKE_OPTIMIZER)

}  // namespace kyrtos::train
