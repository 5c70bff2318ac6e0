// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/text.hpp>

#include "key_declarations.hpp"

namespace kyrtos::train::config {

namespace {

void declare_data(Declarations& d, DataConfig& c) {
  using Format = DataConfig::Format;
  using Order = DataConfig::Order;
  d.in("data", KeyRole::run);
  d.list("train", c.train, "training files or patterns: UTF-8 text, or tokens (.bin, .npy)");
  d.list("validation", c.validation, "validation files; none: the end of the training data");
  d.real("validation_fraction", c.validation_fraction, Interval{.most = 0.9},
         "share of the training data set aside where there are no validation files");
  d.choice(
      "format", c.format,
      {{"auto", Format::automatic},
       {"bytes", Format::bytes},
       {"tokens", Format::tokens},
       {"tokens32", Format::tokens32},
       {"tokens64", Format::tokens64}},
      "auto: .bin files hold tokens, all others bytes, and with a model.vocabulary above 65536 "
      "all hold tokens32; tokens: uint16; tokens32: uint32; tokens64: int64; a .npy array or a "
      "header of llm.c says itself what it holds");
  d.choice("order", c.order, {{"random", Order::random}, {"sequential", Order::sequential}},
           "of training batches: random windows, or one after the other (probes, validation and "
           "`kyrtos curvature` always take random ones)");
  d.integer("loss_after", c.loss_after, -1,
            "only targets behind this token of a sequence count, say 61, the byte '='; -1: all");
  d.integer("loss_until", c.loss_until, -1,
            "the last token that counts until loss_after comes again, say 10, the end of a line; "
            "-1: all to the sequence's end");
}

void declare_training(Declarations& d, TrainingConfig& c) {
  d.in("training", KeyRole::run);
  d.as(KeyRole::harmless).integer("steps", c.steps, 0, "optimiser steps");
  d.integer("batch", c.batch, 1, "sequences a step, over all ranks");
  d.as(KeyRole::harmless)
      .integer("micro_batch", c.micro_batch, 0, "sequences a rank works on at once; 0: its share");
  d.integer("length", c.length, 0, "tokens a sequence; 0: model.context");
  d.integer("seed", c.seed, 0, "of initial parameters and the order of data");
  d.text("start", c.start,
         "checkpoint of the same [model] whose parameters a new run starts from; none: random");
  d.choice("precision", c.precision, {precisions().begin(), precisions().end()},
           "of all vectors; bf16 and tf32: of the factors in matrix products, all else float32");
  using Attention = layers::AttentionMethod;
  d.choice("attention", c.attention,
           {{"auto", Attention::automatic},
            {"streamed", Attention::streamed},
            {"blocked", Attention::blocked}},
           "kernels of its own in full precision, or batched matrix products with factors of "
           "training.precision; auto: the one that is known as faster");
  d.as(KeyRole::step)
      .real("clip_norm", c.clip_norm, not_negative, "longest gradient; 0: no clipping");
  d.as(KeyRole::step)
      .real("skip_z_score", c.skip_z_score, not_negative,
            "leave out updates whose loss or gradient norm lies further out; 0: none");
  d.as(KeyRole::step)
      .integer("z_score_window", c.z_score_window, 2, "steps that z-scores compare with");
  d.as(KeyRole::step)
      .real("qk_clip", c.qk_clip, not_negative,
            "shrink queries and keys of heads whose attention logits pass it; 0: none");
  d.as(KeyRole::harmless)
      .integer("evaluate_every", c.evaluate_every, 0, "steps between validation losses; 0: never");
  d.integer("evaluation_batches", c.evaluation_batches, 1, "batches of a validation loss");
  d.as(KeyRole::harmless)
      .flag("recompute", c.recompute, "keep only the residual stream, compute the rest again");
}

void declare_optimizer(Declarations& d, OptimizerConfig& c, optim::LearningRate& s,
                       optim::CdatOptions& cdat, double& sharpness_cap) {
  using Kind = OptimizerConfig::Kind;
  d.in("optimizer", KeyRole::step);
  d.as(KeyRole::meaning)
      .choice("name", c.kind, {{"adamw", Kind::adamw}, {"sgd", Kind::sgd}, {"muon", Kind::muon}},
              "the update rule; muon: of the blocks' matrices, AdamW for the rest");
  d.real("beta1", c.adamw.beta1, below_one, "AdamW: decay of the first moment");
  d.real("beta2", c.adamw.beta2, below_one, "AdamW: decay of the second moment");
  d.real("epsilon", c.adamw.epsilon, positive, "AdamW: added to the root of the second moment");
  d.real("weight_decay", c.adamw.weight_decay, not_negative, "decoupled, on matrices only");
  d.flag("independent_decay", c.independent_decay,
         "weight_decay times the rate's share of schedule.peak, not times the rate");
  using Initial = optim::AdamWOptions::InitialSecondMoment;
  d.choice("initial_second_moment", c.adamw.initial_second_moment,
           {{"zero", Initial::zero}, {"gradient", Initial::gradient}},
           "AdamW: what the second moment starts from, zero or the square of the first gradient");
  d.real("beta2_exponent", c.adamw.beta2_exponent, not_negative,
         "AdamW: beta2 of step t is 1 - t^-exponent, up to beta2; 0: beta2 from the start");
  d.flag("update_clipping", c.adamw.update_clipping,
         "AdamW: a tensor's rate is divided by RMS(g/sqrt(v)) where that exceeds 1 (StableAdamW)");
  d.real("momentum", c.momentum, below_one, "SGD: heavy-ball momentum");
  using Scale = optim::MuonOptions::Scale;
  d.real("muon_momentum", c.muon.momentum, below_one, "Muon: of the matrices");
  d.flag("muon_nesterov", c.muon.nesterov, "Muon: looks one step ahead");
  d.choice("muon_scale", c.muon.scale, {{"rms", Scale::rms}, {"spectral", Scale::spectral}},
           "Muon: a step is the orthogonal factor times 0.2 sqrt(max(rows, columns)), for rates "
           "like AdamW's, or times sqrt(max(1, rows/columns))");
  d.real("adamw_rate", c.muon.adamw_rate, not_negative,
         "Muon: AdamW's learning rate is this share of it");
  d.in("schedule", KeyRole::run);
  d.real("peak", s.peak, positive, "highest learning rate");
  d.integer("warmup_steps", s.warmup_steps, 0, "steps of linear warm-up");
  d.integer("decay_steps", s.decay_steps, 0,
            "over which the rate decays, at the end; 0: from the end of the warm-up on");
  d.choice("decay", s.decay,
           {{"cosine", optim::Decay::cosine},
            {"linear", optim::Decay::linear},
            {"constant", optim::Decay::constant}},
           "after the warm-up");
  d.integer("total_steps", s.total_steps, 0, "where the decay ends; 0: at training.steps");
  d.real("floor", s.floor, share, "lowest learning rate, as a share of the peak");
  d.as(KeyRole::step)
      .real(
          "cdat", cdat.scale, not_negative,
          "lower rates where curvature asks for it, by this share of the loss' parabola along the "
          "update: 1 to its bottom, 2 across; 0: off");
  d.as(KeyRole::step)
      .real("sharpness_cap", sharpness_cap, not_negative,
            "lower rates to this share of the one at which the sharpness is at its threshold; 0: "
            "off");
  d.as(KeyRole::step)
      .real("cdat_smoothing", cdat.smoothing, below_one, "decay of the means that cdat takes");
}

void declare_curvature(Declarations& d, CurvatureConfig& c) {
  using C = CurvatureConfig;
  d.in("curvature", KeyRole::step);
  d.as(KeyRole::run).flag("enabled", c.enabled, "follow the largest eigenvalue while training");
  d.choice("matrix", c.matrix,
           {{"preconditioned", C::Matrix::preconditioned},
            {"hessian", C::Matrix::hessian},
            {"gauss_newton", C::Matrix::gauss_newton},
            {"spectral", C::Matrix::spectral}},
           "whose eigenvalue (sgd: preconditioned is the Hessian); spectral: the largest curvature "
           "over balls of the matrices' spectral norms, and muon's preconditioned");
  d.choice(
      "preconditioner", c.preconditioner,
      {{"bias_corrected", C::Preconditioner::bias_corrected}, {"plain", C::Preconditioner::plain}},
      "Adam's P as in Cohen et al. 2022, or diag(sqrt(v) + epsilon)");
  d.choice("method", c.method,
           {{"tracker", C::Method::tracker},
            {"cold", C::Method::cold},
            {"critical", C::Method::critical}},
           "power iteration with a warm start, or from a random vector each time (max_hvps "
           "products); or critical sharpness from forward passes");
  d.as(KeyRole::run)
      .choice(
          "probe", c.probe,
          {{"fixed", C::Probe::fixed}, {"stream", C::Probe::stream}, {"batch", C::Probe::batch}},
          "where it is measured: one batch for the whole run, a new one each time (noisy), or "
          "sequences of the step's own batch, before its update; fixed unless given where the "
          "batch "
          "can't serve: critical, gauss_newton, and another precision");
  d.choice(
      "precision", c.precision,
      {{"training", C::Factors::training}, {"tf32", C::Factors::tf32}, {"bf16", C::Factors::bf16}},
      "of the factors in matrix products of the measurement: as in training, or fewer bits, "
      "where training is in float32 (not with probe = \"batch\")");
  d.flag("along_update", c.along_update,
         "batch: every second product goes along the update: predicted against actual change of "
         "the loss");
  d.flag("parts", c.parts,
         "one product more a step, for the sharpness of one part of the model alone (a block's "
         "attention, its MLP, the embedding, ...), in turn");
  d.as(KeyRole::run)
      .integer(
          "probe_sequences", c.probe_sequences, 0,
          "sequences of the probe, over all ranks; 0: 16, or the whole batch where it has fewer");
  d.integer("every", c.every, 1, "steps between estimates");
  d.integer("min_hvps", c.min_hvps, 1, "fewest Hessian-vector products a step");
  d.integer("max_hvps", c.max_hvps, 1, "most products a step");
  d.integer("cold_hvps", c.cold_hvps, 1, "most products of the first step, or after a failure");
  d.integer("block", c.block, 1, "vectors followed; more where eigenvalues cross", 4);
  d.real("target_residual", c.target_residual, not_negative,
         "more products, within the budget, while above");
  d.integer("reference_every", c.reference_every, 0,
            "steps between eigenvalues by converged Lanczos, to compare with; 0: never");
  d.integer("reference_hvps", c.reference_hvps, 2,
            "most products of one, and vectors that it keeps");
  d.as(KeyRole::harmless)
      .integer("check_every", c.check_every, 0,
               "steps between checks of the tracked direction on sequences that it was not fitted "
               "to: their mean, its error, and that of rounded factors; 0: never");
  d.as(KeyRole::harmless)
      .integer("check_batches", c.check_batches, 2,
               "of a check, each of probe_sequences sequences and a product");
}

void declare_growth(Declarations& d, growth::GrowthConfig& c) {
  using C = growth::GrowthConfig;
  d.in("growth", KeyRole::run);
  d.integer("initial_depth", c.initial_depth, 0,
            "blocks that take part from the start; 0: all, or half where they grow");
  d.choice("when", c.when,
           {{"never", C::When::never},
            {"steps", C::When::steps},
            {"warmup", C::When::warmup},
            {"decay", C::When::decay},
            {"curvature", C::When::curvature}},
           "groups of blocks join: from a step on, after the learning rate's warm-up, with its "
           "decay, or while the sharpness allows it");
  d.integer("groups", c.groups, 1, "of blocks, from the initial to the full depth");
  d.integer("start", c.start, 0, "steps: the step at which the first group joins");
  d.integer("every", c.every, 1, "steps between groups; curvature: calm steps before one");
  d.real("share", c.share, positive, "curvature: calm is below this share of the threshold");
  d.choice("where", c.where,
           {{"append", C::Where::append},
            {"interleave", C::Where::interleave},
            {"spread", C::Where::spread},
            {"stack", C::Where::stack}},
           "next to the output, evenly between others, or as copies on top");
  d.choice("entry", c.entry,
           {{"zeros", C::Entry::zeros},
            {"projections", C::Entry::projections},
            {"gate", C::Entry::gate}},
           "new blocks: zero but for a seed, zero output projections, or behind an opening gate");
  d.real("seed_scale", c.seed_scale, not_negative,
         "zeros: matrices start at this share of their ordinary size; 0: they never move");
  d.integer("ramp_steps", c.ramp_steps, 0, "over which a new block's learning rate or gate rises");
  d.choice("second_moment", c.second_moment,
           {{"neighbours", C::SecondMoment::neighbours}, {"zero", C::SecondMoment::zero}},
           "AdamW: what new blocks start from");
}

void declare_parallel(Declarations& d, ParallelConfig& c) {
  using Order = parallel::ReductionOptions::Order;
  using parallel::Sharding;
  d.in("parallel", KeyRole::harmless);
  d.choice("shard", c.shard,
           {{"none", Sharding::none}, {"optimizer", Sharding::optimizer}, {"full", Sharding::full}},
           "what ranks hold pieces of: nothing, all vectors but the parameters, or all vectors");
  d.choice("reduction", c.reduction.order,
           {{"library", Order::library}, {"ordered", Order::ordered}},
           "sums over ranks as MPI does them, or rank by rank: the same bits with any MPI");
  d.integer("bucket_bytes", c.reduction.bucket_bytes, 1,
            "sent at once, while the rest is computed (shard = none)");
  d.choice("gpu_aware_mpi", c.gpu_aware_mpi,
           {{"off", GpuAwareMpi::off},
            {"copies", GpuAwareMpi::copies},
            {"on", GpuAwareMpi::on},
            {"auto", GpuAwareMpi::off}},  // in older checkpoints
           "device memory for MPI: never, to copy, or also to add; `kyrtos info --check-mpi-gpu` "
           "says what it can; auto is off");
  d.choice("transport", c.transport,
           {{"auto", Transport::automatic}, {"mpi", Transport::mpi}, {"nccl", Transport::nccl}},
           "who sums and gathers vectors over ranks: MPI, or NCCL (RCCL), which devices wait for "
           "instead of the host; auto: NCCL where it is found and ranks have devices of their own");
  d.text("nccl_library", c.nccl_library,
         "path of NCCL or RCCL; empty: libnccl.so.2 or librccl.so.1, where the loader finds it");
}

void declare_output(Declarations& d, OutputConfig& c) {
  d.in("output", KeyRole::harmless);
  d.text("directory", c.directory, "where checkpoints, metrics and plots go");
  d.integer("checkpoint_every", c.checkpoint_every, 0, "steps; 0: at the end only");
  d.integer("keep_checkpoints", c.keep_checkpoints, 0, "older ones are removed; 0: keep all");
  d.flag("keep_best", c.keep_best,
         "a checkpoint whenever the validation loss is the lowest so far, kept as best.h5");
  d.flag("asynchronous", c.asynchronous,
         "checkpoints are copied to host memory, and written behind the next steps");
  d.integer("log_every", c.log_every, 1, "steps between lines in a batch log");
  d.integer("tensors_every", c.tensors_every, 0,
            "steps between records of the norms of each tensor and its update; 0: never");
}

void declare_recorder(Declarations& d, RecorderConfig& c) {
  d.in("recorder", KeyRole::harmless);
  d.integer("states", c.states, 0,
            "kept in host memory and written at an alarm, for `kyrtos replay`; 0: none");
  d.integer("every", c.every, 1, "steps between states that are kept");
  d.real("ratio", c.ratio, not_negative,
         "alarm when the sharpness, or that along the update, is so many times its threshold; 0: "
         "never");
  d.real(
      "z_score", c.z_score, not_negative,
      "alarm when loss or gradient norm is so many standard deviations above its mean; 0: never");
  d.integer("alarms", c.alarms, 1, "that are written in a run, at most");
}

void declare_stop(Declarations& d, StopConfig& c) {
  d.in("stop", KeyRole::harmless);
  d.list("signals", c.signals, "that end a run with a checkpoint and exit code 75");
  d.duration("time_limit", c.time_limit, "0, UNLIMITED: until the job ends, if it does");
  d.real("time_reserve", c.time_reserve, not_negative,
         "seconds kept free at the end, beside those of a step and a checkpoint");
  d.real("patience", c.patience, not_negative,
         "seconds that a stop waits for validation and measurements under way");
}

}  // namespace

std::vector<Key> keys_of(RunConfig& config) {
  Declarations d;
  declare_model(d, config.model);
  declare_data(d, config.data);
  declare_training(d, config.training);
  declare_optimizer(d, config.optimizer, config.schedule, config.cdat, config.sharpness_cap);
  declare_curvature(d, config.curvature);
  declare_growth(d, config.growth);
  declare_parallel(d, config.parallel);
  declare_output(d, config.output);
  declare_recorder(d, config.recorder);
  declare_stop(d, config.stop);
  return std::move(d.keys);
}

toml::table parse_toml(std::string const& text, std::string const& source) {
  try {
    return toml::parse(text);
  } catch (toml::parse_error const& error) {
    throw ConfigError(fmt::format("{}:{}: {}", source, error.source().begin.line,
                                  shown(error.description(), 400)));
  }
}

}  // namespace kyrtos::train::config
