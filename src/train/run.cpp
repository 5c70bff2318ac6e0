// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/region.hpp>
#include <kyrtos/train/run.hpp>

#include "core/seconds_since.hpp"
#include "data_content.hpp"
#include "run_state.hpp"

#include <fmt/format.h>

namespace kyrtos::train {

namespace {

template <class Space>
RankPlace place_of(Context<Space> const& context) {
  return {context.communicator().rank(), context.communicator().size()};
}

}  // namespace

template <class Scalar, class Space>
Run<Scalar, Space>::Run(Context<Space> const& context, RunConfig const& config,
                        Interruption interrupted)
    : interrupted_(std::move(interrupted)),
      data_(checked_training_data(context.communicator(), config)),
      content_(content_of(data_, config, context.communicator())),
      chooses_probe_(config.curvature.probe_sequences == 0),
      configured_(context, config, place_of(context), interrupted_),
      stream_(token_stream<Scalar>(context, config, data_.train, configured_.training_share,
                                   Purpose::training)),
      validation_(token_stream<Scalar>(context, config, data_.validation,
                                       configured_.training_share, Purpose::validation)) {
  configured_.theta.initialize(configured_.model, static_cast<std::uint64_t>(config.training.seed));
  if (config.curvature.enabled) watch();
}

template <class Scalar, class Space>
void Run<Scalar, Space>::watch() {
  auto const& c = config().curvature;
  auto const stream = [&](Purpose purpose) {
    return token_stream<Scalar>(configured_.context, config(), data_.train, configured_.probe_share,
                                purpose);
  };
  if (c.probe == CurvatureConfig::Probe::batch) {
    configured_.watch({});
  } else {
    probe_stream_.emplace(stream(Purpose::probe));
    probe_stream_->load(0);
    configured_.watch(probe_stream_->batches());
  }
  if (c.check_every == 0) return;
  check_stream_.emplace(stream(Purpose::check));
  configured_.check([this](Index i) { return check_batch(i); });
}

/// One of those that the present step draws: a function of the step, as all batches are.
template <class Scalar, class Space>
std::vector<Batch<Scalar, Space>> Run<Scalar, Space>::check_batch(Index i) {
  check_stream_->load(step_ * config().curvature.check_batches + i);
  return check_stream_->batches();
}

template <class Scalar, class Space>
StepReport Run<Scalar, Space>::step() {
  Region<Space> const region(configured_.context, "kyrtos::Run::step");
  auto const start = std::chrono::steady_clock::now();
  auto& c = configured_;
  if (c.growth.advance(step_, c.trainer.threshold_ratio(), c.theta.own(), *c.optimizer))
    c.trainer.set_active(c.growth.active());
  c.theta.changed();  // gates may open at any step
  stream_.load(step_);
  if (probe_stream_ && config().curvature.probe == CurvatureConfig::Probe::stream) {
    probe_stream_->load(step_);
    probe()->objective().set_batches(probe_stream_->batches());
  }
  StepReport report;
  try {
    auto const [batches, kept] = stream_.split(c.kept, c.context.communicator().size());
    report = c.trainer.step(batches, config().schedule.at(step_), kept);
  } catch (NumericalError const& error) {
    throw NumericalError(
        fmt::format("step {}: {} (schedule.peak, schedule.warmup_steps, "
                    "training.clip_norm)",
                    step_ + 1, error.what()));
  }
  report.step = ++step_;
  report.active_depth = active_depth();
  Index const tokens = config().training.batch * config().training.length;
  report.tokens = step_ * tokens;
  report.seconds = seconds_since(start);
  report.tokens_per_s = static_cast<double>(tokens) / report.seconds;
  return report;
}

template <class Scalar, class Space>
std::optional<double> Run<Scalar, Space>::validation_loss() {
  double loss = 0;
  Index const batches = config().training.evaluation_batches;
  for (Index i = 0; i < batches; ++i) {
    if (interrupted_()) return std::nullopt;
    validation_.load(i);
    configured_.objective.set_batches(validation_.batches());
    loss += configured_.objective.loss();
  }
  return loss / static_cast<double>(batches);
}

template <class Scalar, class Space>
bool Run<Scalar, Space>::is_best(double validation_loss) {
  bool const is_lower = !best_validation_loss_ || validation_loss < *best_validation_loss_;
  if (is_lower) best_validation_loss_ = validation_loss;
  return is_lower;
}

// ---- Checkpoints -------------------------------------------------------------------------------

template <class Scalar, class Space>
typename Run<Scalar, Space>::Snapshot Run<Scalar, Space>::snapshot() const {
  auto const& c = configured_;
  RunState const state{.step = step_,
                       .trainer = c.trainer.state(),
                       .growth = c.growth.state(),
                       .best_validation_loss = best_validation_loss_,
                       .data = content_};
  auto const vectors = saved_vectors(c.theta, *c.optimizer, c.trainer.probe());
  return {{to_toml(config()), to_json(state)}, {vectors.begin(), vectors.end()}};
}

template <class Scalar, class Space>
void Run<Scalar, Space>::save(std::string const& path) const {
  auto const now = snapshot();
  io::write_checkpoint<Scalar, Space>(configured_.context, path, now.text, model().layout(),
                                      now.vectors);
}

template <class Scalar, class Space>
void Run<Scalar, Space>::save(std::string const& path,
                              io::AsynchronousWriter<Scalar, Space>& writer) const {
  auto const now = snapshot();
  writer.start(configured_.context, path, now.text, model().layout(), now.vectors);
}

/// Of the vectors, which are nearly all of it.
template <class Scalar, class Space>
std::uint64_t Run<Scalar, Space>::checkpoint_bytes() const {
  return snapshot().vectors.size() * static_cast<std::uint64_t>(model().layout().size()) *
         sizeof(Scalar);
}

namespace {

/// The first setting of [model], if any, that leaves all shapes alone but not the function.
char const* difference(model::TransformerConfig const& a, model::TransformerConfig const& b) {
  if (a.heads != b.heads) return "heads";
  if (a.norm != b.norm) return "norm";
  if (a.norm_position != b.norm_position) return "norm_position";
  if (a.norm_epsilon != b.norm_epsilon) return "norm_epsilon";
  if (a.activation != b.activation) return "activation";
  if (a.positions != b.positions) return "positions";
  if (a.positions == model::Positions::rotary && a.rotary_base != b.rotary_base)
    return "rotary_base";
  if (a.rotary_features != b.rotary_features) return "rotary_features";
  if (!(a.rotary_scaling == b.rotary_scaling)) return "rotary_scaling";
  if (a.qk_norm_over != b.qk_norm_over) return "qk_norm_over";
  if (a.parallel_residual != b.parallel_residual) return "parallel_residual";
  if (a.residual_scale != b.residual_scale) return "residual_scale";
  if (a.soft_cap != b.soft_cap) return "soft_cap";
  if (a.causal != b.causal) return "causal";
  if (a.attention_window != b.attention_window) return "attention_window";
  return nullptr;
}

}  // namespace

template <class Scalar, class Space>
void Run<Scalar, Space>::start_from(io::CheckpointReader const& checkpoint) {
  auto const stored = parse_config(checkpoint.text().config, checkpoint.path()).model;
  if (char const* const key = difference(stored, config().model))
    throw FileError(fmt::format("{}: was trained with another model.{} than this run's [model] has",
                                checkpoint.path(), key));
  checkpoint.read<Scalar, Space>(configured_.context, "parameters", model().layout(),
                                 configured_.theta.own());
  configured_.theta.changed();
}

namespace {

/// Files whose content is another than when the state was saved, as far as that is known.
std::vector<ConfigChange> content_changes(std::map<std::string, std::string> const& before,
                                          std::map<std::string, std::string> const& now) {
  std::vector<ConfigChange> changes;
  for (auto const& [key, content] : now)
    if (auto const then = before.find(key); then != before.end() && then->second != content)
      changes.push_back({key, then->second, content, KeyRole::run, /*of_content=*/true});
  return changes;
}

}  // namespace

template <class Scalar, class Space>
std::vector<ConfigChange> Run<Scalar, Space>::restore(io::CheckpointReader const& checkpoint,
                                                      std::vector<std::string> const& allowed) {
  auto& c = configured_;
  auto const state = run_state_from_json(checkpoint.text().state, checkpoint.path());
  auto changes =
      config_changes(parse_config(checkpoint.text().config, checkpoint.path()), config());
  for (auto& change : changes)
    if (change.key == "curvature.probe_sequences" && chooses_probe_)
      change.role = KeyRole::harmless;
  for (auto const& change : content_changes(state.data, content_)) changes.push_back(change);
  require_allowed(changes, allowed, checkpoint.path());
  require_optimizer(state.trainer, c.optimizer->name(), checkpoint.path());
  bool const has_all = read_saved_vectors(c.context, checkpoint, model().layout(),
                                          saved_vectors(c.theta, *c.optimizer, c.trainer.probe()));
  c.theta.changed();
  step_ = state.step;
  c.growth.restore(state.growth);
  c.optimizer->set_ranges(c.growth.ranges(state.trainer.optimizer_steps));
  c.trainer.set_active(c.growth.active());
  c.trainer.restore(state.trainer, has_all);
  best_validation_loss_ = state.best_validation_loss;
  return changes;
}

KYRTOS_INSTANTIATE(kyrtos::train::Run)

}  // namespace kyrtos::train
