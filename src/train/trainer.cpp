// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/optim/sgd.hpp>
#include <kyrtos/train/qk_clip.hpp>
#include <kyrtos/train/trainer.hpp>

#include "trainer_state.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <fmt/format.h>

namespace kyrtos {

namespace {

template <class Scalar, class Space>
std::unique_ptr<optim::Optimizer<Scalar, Space>> make_optimizer(
    Context<Space> const& context, Index size, std::vector<optim::ParameterRange> ranges,
    OptimizerConfig const& config) {
  if (config.kind == OptimizerConfig::Kind::sgd)
    return std::make_unique<optim::Sgd<Scalar, Space>>(
        context, size, std::move(ranges),
        optim::SgdOptions{config.momentum, config.adamw.weight_decay});
  return std::make_unique<optim::AdamW<Scalar, Space>>(context, size, std::move(ranges),
                                                       config.adamw);
}

template <class V>
Index size_of(V const& v) {
  return static_cast<Index>(v.size());
}

CurvatureReport to_report(curvature::SharpnessReport const& s) {
  return {.lambda = s.lambda,
          .residual = s.residual,
          .threshold_ratio = s.threshold_ratio,
          .quality = std::string(to_string(s.quality)),
          .hvps = static_cast<int>(s.hvps),
          .edge_of_stability = s.stability == curvature::Stability::at_edge ||
                               s.stability == curvature::Stability::unstable};
}

}  // namespace

template <class Scalar, class Space>
Trainer<Scalar, Space>::Trainer(Context<Space> const& context, RunConfig const& config,
                                Interruption interrupted)
    : config_(config),
      interrupted_(std::move(interrupted)),
      data_(open_training_data(config)),
      model_(config.model),
      context_(with_precision(context, config.training.precision)),
      vectors_(vector_context(context_, model_.parts(), config.parallel)),
      growth_(vectors_, model_, config.growth, config.schedule,
              static_cast<std::uint64_t>(config.training.seed)),
      stream_(token_stream<Scalar>(context, config, data_.train, config.training.batch,
                                   "training.batch", Purpose::training)),
      validation_(token_stream<Scalar>(context, config, data_.validation, config.training.batch,
                                       "training.batch", Purpose::validation)),
      theta_(vectors_, model_.layout().size(), config.parallel.shard),
      gradient_(allocate<Scalar>(context, "gradient", size_of(theta_.own()))),
      sum_(make_rank_sum<Scalar>(vectors_, size_of(theta_.own()), config.parallel.reduction)),
      optimizer_(make_optimizer<Scalar>(context, size_of(theta_.own()), growth_.ranges(0),
                                        config.optimizer)),
      loss_outliers_(static_cast<std::size_t>(config.training.z_score_window)),
      gradient_outliers_(static_cast<std::size_t>(config.training.z_score_window)),
      cdat_(config.cdat) {
  initialize();
  if (config.cdat.scale > 0)
    line_ = std::make_unique<LineModel<Scalar, Space>>(
        vectors_, model_, stream_.shape(), config.parallel.shard, config.parallel.reduction);
  bind_blocks();
  if (!config.curvature.enabled) return;
  probe_stream_ = std::make_unique<TokenStream<Scalar, Space>>(
      token_stream<Scalar>(context, config, data_.train, config.curvature.probe_sequences,
                           "curvature.probe_sequences", Purpose::probe));
  probe_stream_->load(0);
  probe_ = std::make_unique<CurvatureProbe<Scalar, Space>>(
      vectors_, model_, theta_.access(), config.optimizer, config.curvature, probe_stream_->shape(),
      probe_stream_->batches(), growth_.active(), seed_for(config, Purpose::probe),
      config.parallel.reduction, gradient_, interrupted_);
}

/// Draws this rank's parameters.
template <class Scalar, class Space>
void Trainer<Scalar, Space>::initialize() {
  auto const seed = static_cast<std::uint64_t>(config_.training.seed);
  for (auto const& segment : model_.layout().segments())
    for (auto const& piece : pieces_of(vectors_.shards(), {segment.offset, segment.size}))
      model_.initialize(context_, seed, segment, piece.offset - segment.offset,
                        slice(theta_.own(), piece.local, piece.size));
  theta_.changed();
}

template <class Scalar, class Space>
Trainer<Scalar, Space>::~Trainer() = default;

/// Memory for the blocks that take part now; gives back the old first.
template <class Scalar, class Space>
void Trainer<Scalar, Space>::bind_blocks() {
  workspace_.reset();
  workspace_.emplace(
      context_, model_, stream_.shape(),
      TransformerWorkspaceOptions{
          .active = growth_.active(), .recompute = config_.training.recompute, .scores = true});
  if (line_) line_->set_active(growth_.active());
  if (probe_) probe_->set_active(growth_.active());
}

template <class Scalar, class Space>
double Trainer<Scalar, Space>::step_flops() const {
  SequenceShape const batch{config_.training.batch, config_.training.length};
  return (config_.training.recompute ? 4 : 3) * model_.forward_flops(batch, growth_.active());
}

/// Loss and gradient of the step's batch, summed over ranks.
template <class Scalar, class Space>
auto Trainer<Scalar, Space>::measure_gradient() -> Measured {
  stream_.load(step_);
  workspace_->forget_scores();
  sum_->begin(gradient_);
  double loss = 0;
  auto const batches = stream_.batches();
  for (std::size_t i = 0; i < batches.size(); ++i)
    loss += model_.gradient(*workspace_, theta_.source(), batches[i],
                            sum_->sink(i + 1 == batches.size()));
  sum_->finish();
  return {context_.communicator().sum(loss), linalg::norm(vectors_, gradient_)};
}

template <class Scalar, class Space>
StepReport Trainer<Scalar, Space>::step() {
  Region<Space> const region(context_, "kyrtos::Trainer::step");
  auto const start = std::chrono::steady_clock::now();
  if (growth_.advance(step_, threshold_ratio_, theta_.own(), *optimizer_)) bind_blocks();
  theta_.changed();  // gates may open at any step
  auto const measured = measure_gradient();
  if (!std::isfinite(measured.loss) || !std::isfinite(measured.gradient_norm))
    throw NumericalError(
        fmt::format("step {}: loss {}, gradient norm {}: not finite; lower schedule.peak, lengthen "
                    "schedule.warmup_steps, or set training.clip_norm",
                    step_ + 1, measured.loss, measured.gradient_norm));
  StepReport report;
  report.step = step_ + 1;
  report.loss = measured.loss;
  report.gradient_norm = measured.gradient_norm;
  report.learning_rate = config_.schedule.at(step_);
  report.active_depth = active_depth();
  if (probe_) probe_->before_update();
  report.skipped = !update(measured, report);
  look_at_attention(report);
  if (probe_) {
    if (config_.curvature.probe == CurvatureConfig::Probe::stream) load_probe(step_);
    report.curvature = to_report(probe_->after_update(*optimizer_, report.learning_rate));
    threshold_ratio_ = report.curvature->threshold_ratio;
    Index const every = config_.curvature.reference_every;
    if (every > 0 && report.step % every == 0)
      report.curvature->reference = probe_->reference(report.step);
  }
  ++step_;
  context_.fence("kyrtos::Trainer::step");
  Index const tokens = config_.training.batch * config_.training.length;
  report.tokens = step_ * tokens;
  report.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  report.tokens_per_s = static_cast<double>(tokens) / report.seconds;
  return report;
}

/// Clips and updates, unless the step is an outlier that shall be left out. \return whether it
/// was taken.
template <class Scalar, class Space>
bool Trainer<Scalar, Space>::update(Measured const& m, StepReport& report) {
  auto const& c = config_.training;
  report.loss_z = loss_outliers_.score(m.loss);
  report.gradient_z = gradient_outliers_.score(m.gradient_norm);
  if (c.skip_z_score > 0 && std::max(report.loss_z, report.gradient_z) > c.skip_z_score)
    return false;
  bool const clips = c.clip_norm > 0 && m.gradient_norm > c.clip_norm;
  double const scale = clips ? c.clip_norm / m.gradient_norm : 1;
  if (line_ && report.learning_rate > 0)
    report.learning_rate = update_along_line(report.learning_rate, scale);
  else
    optimizer_->update(context_, theta_.own(), gradient_, report.learning_rate, scale);
  theta_.changed();
  return true;
}

/// The optimiser's step, shortened where the curvature along it asks for a rate below `ceiling`.
/// \return the rate.
template <class Scalar, class Space>
double Trainer<Scalar, Space>::update_along_line(double ceiling, double gradient_scale) {
  line_->begin(theta_.own());
  optimizer_->update(context_, theta_.own(), gradient_, ceiling, gradient_scale);
  auto const [slope, curvature] = line_->measure(theta_.own(), gradient_, stream_.batches());
  double const rate =
      std::min(ceiling, cdat_.rate(-slope / ceiling, curvature / (ceiling * ceiling)));
  if (rate < ceiling) line_->go(rate / ceiling, theta_.own());
  return rate;
}

/// The largest attention score that the gradient's forward passes met, and what QK-Clip does to it.
template <class Scalar, class Space>
void Trainer<Scalar, Space>::look_at_attention(StepReport& report) {
  auto scores = workspace_->largest_scores();
  if (scores.empty()) return;
  context_.communicator().max(scores);
  report.largest_logit = *std::max_element(scores.begin(), scores.end());
  if (config_.training.qk_clip <= 0 || report.skipped) return;
  report.clipped_heads = clip_attention_scores<Scalar, Space>(
      vectors_, model_, scores, config_.training.qk_clip, theta_.own());
  if (report.clipped_heads > 0) theta_.changed();
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::load_probe(Index step) {
  probe_stream_->load(step);
  probe_->set_batches(probe_stream_->batches());
}

template <class Scalar, class Space>
std::optional<double> Trainer<Scalar, Space>::validation_loss() {
  double loss = 0;
  for (Index i = 0; i < config_.training.evaluation_batches; ++i) {
    if (interrupted_()) return std::nullopt;
    validation_.load(i);
    for (auto const& batch : validation_.batches())
      loss += model_.loss(*workspace_, theta_.source(), batch);
  }
  return context_.communicator().sum(loss) /
         static_cast<double>(config_.training.evaluation_batches);
}

template <class Scalar, class Space>
bool Trainer<Scalar, Space>::is_best(double validation_loss) {
  bool const is_lower = !best_validation_loss_ || validation_loss < *best_validation_loss_;
  if (is_lower) best_validation_loss_ = validation_loss;
  return is_lower;
}

// ---- Checkpoints -------------------------------------------------------------------------------

template <class Scalar, class Space>
io::CheckpointText Trainer<Scalar, Space>::checkpoint_text() const {
  TrainerState state;
  state.step = step_;
  state.optimizer = optimizer_->name();
  state.optimizer_steps = optimizer_->steps();
  state.growth = growth_.state();
  state.best_validation_loss = best_validation_loss_;
  state.threshold_ratio = threshold_ratio_;
  state.losses = loss_outliers_.values();
  state.gradient_norms = gradient_outliers_.values();
  state.cdat = cdat_.state();
  if (probe_) state.probe = probe_->state();
  return {to_toml(config_), to_json(state)};
}

template <class Scalar, class Space>
std::vector<io::NamedVector<Scalar const, Space>> Trainer<Scalar, Space>::checkpoint_vectors()
    const {
  return vectors_to_save<Scalar, Space>(theta_.own(), *optimizer_, probe_.get());
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::save(std::string const& path) const {
  io::write_checkpoint<Scalar, Space>(
      vectors_, path, checkpoint_text(), model_.layout(), checkpoint_vectors(),
      config_.output.collective ? io::Transfer::collective : io::Transfer::independent);
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::save(std::string const& path,
                                  io::AsynchronousWriter<Scalar, Space>& writer) const {
  writer.start(vectors_, path, checkpoint_text(), model_.layout(), checkpoint_vectors());
}

/// Of the vectors, which are nearly all of it.
template <class Scalar, class Space>
std::uint64_t Trainer<Scalar, Space>::checkpoint_bytes() const {
  return checkpoint_vectors().size() * static_cast<std::uint64_t>(model_.layout().size()) *
         sizeof(Scalar);
}

namespace {

/// The first setting of [model], if any, that leaves all shapes alone but not the function.
char const* difference(TransformerConfig const& a, TransformerConfig const& b) {
  if (a.heads != b.heads) return "heads";
  if (a.norm != b.norm) return "norm";
  if (a.norm_epsilon != b.norm_epsilon) return "norm_epsilon";
  if (a.activation != b.activation) return "activation";
  if (a.positions != b.positions) return "positions";
  if (a.positions == Positions::rotary && a.rotary_base != b.rotary_base) return "rotary_base";
  if (a.soft_cap != b.soft_cap) return "soft_cap";
  if (a.causal != b.causal) return "causal";
  return nullptr;
}

}  // namespace

template <class Scalar, class Space>
void Trainer<Scalar, Space>::start_from(io::CheckpointReader const& checkpoint) {
  auto const stored = parse_config(checkpoint.text().config, checkpoint.path()).model;
  if (char const* const key = difference(stored, config_.model))
    throw FileError(fmt::format("{}: was trained with another model.{} than this run's [model] has",
                                checkpoint.path(), key));
  checkpoint.read<Scalar, Space>(vectors_, "parameters", model_.layout(), theta_.own());
  theta_.changed();
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::restore(io::CheckpointReader const& checkpoint) {
  auto const state = trainer_state_from_json(checkpoint.text().state, checkpoint.path());
  require_optimizer(state, optimizer_->name(), checkpoint.path());
  bool const is_warm =
      read_saved_vectors(vectors_, checkpoint, model_.layout(),
                         saved_vectors<Scalar, Space>(theta_.own(), *optimizer_, probe_.get()));
  theta_.changed();
  step_ = state.step;
  optimizer_->set_steps(state.optimizer_steps);
  growth_.restore(state.growth);
  optimizer_->set_ranges(growth_.ranges(state.optimizer_steps));
  best_validation_loss_ = state.best_validation_loss;
  threshold_ratio_ = state.threshold_ratio;
  bind_blocks();
  loss_outliers_.restore(state.losses);
  gradient_outliers_.restore(state.gradient_norms);
  cdat_.restore(state.cdat);
  if (probe_) probe_->restore(is_warm ? state.probe : ProbeState(), *optimizer_);
}

KYRTOS_INSTANTIATE(kyrtos::Trainer)

}  // namespace kyrtos
