// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/core/region.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/qk_clip.hpp>
#include <kyrtos/train/trainer.hpp>

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace kyrtos::train {

template <class Scalar, class Space>
Trainer<Scalar, Space>::Trainer(Objective& objective, Optimizer& optimizer, TrainerOptions options)
    : objective_(&objective),
      optimizer_(&optimizer),
      options_(std::move(options)),
      gradient_(
          allocate<Scalar>(objective.context(), "gradient", objective.partition().local_size())),
      signals_(objective, optimizer),
      loss_outliers_(static_cast<std::size_t>(options_.z_score_window)),
      gradient_outliers_(static_cast<std::size_t>(options_.z_score_window)),
      cdat_(options_.cdat) {
  auto const* workspace = objective.workspace();
  if (options_.cdat.scale > 0)
    line_.emplace(objective, workspace ? workspace->shape() : SequenceShape());
}

template <class Scalar, class Space>
Trainer<Scalar, Space>::~Trainer() = default;

template <class Scalar, class Space>
void Trainer<Scalar, Space>::watch(std::vector<Batch> probe, CurvatureOptions const& options,
                                   SequenceShape shape,
                                   std::optional<Context<Space>> const& context) {
  auto const& own = objective_->options();
  bool const by_products = options.method != CurvatureOptions::Method::critical;
  if (!probe.empty()) shape = probe.front().shape;
  check_.reset();
  probe_.reset();
  probe_objective_.emplace(
      context.value_or(objective_->context()), objective_->model(), objective_->parameters(),
      model::ObjectiveOptions{.workspace = {.active = own.workspace.active,
                                            .tangents = by_products,
                                            .name = "activations of the probe"},
                              .reduction = own.reduction},
      shape);
  probe_objective_->set_batches(std::move(probe));
  watched_ = options;
  probe_.emplace(*probe_objective_, *optimizer_, options, gradient_, options_.interrupted);
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::watch_kept(CurvatureOptions options) {
  options.on_kept_batch = true;
  watched_ = options;
  check_.reset();
  probe_.reset();
  probe_objective_.reset();
  probe_.emplace(*objective_, *optimizer_, options, VectorView<Scalar, Space>(),
                 options_.interrupted);
  if (!options.along_update) return;
  auto const& context = objective_->context();
  before_.emplace(context, objective_->partition(), objective_->parameters().sharding());
  step_ = allocate<Scalar>(context, "update", objective_->partition().local_size());
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::check(typename CurvatureCheck<Scalar, Space>::Source source,
                                   SequenceShape shape) {
  require<ConfigError>(probe_.has_value(), "Trainer::check: watch the sharpness first");
  check_.emplace(*probe_, *objective_, watched_, shape, std::move(source), options_.interrupted);
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::set_active(model::ActiveBlocks const& active) {
  objective_->set_active(active);
  if (line_) line_->set_active(active);
  if (probe_objective_) probe_objective_->set_active(active);
  if (check_) check_->set_active(active);
}

template <class Scalar, class Space>
StepReport Trainer<Scalar, Space>::step(
    std::vector<Batch> batches, double learning_rate,
    std::optional<model::KeptBatch<Scalar, Space>> const& kept) {
  auto const& context = objective_->context();
  Region<Space> const region(context, "kyrtos::Trainer::step");
  objective_->set_batches(std::move(batches), kept);
  StepReport report;
  report.step = optimizer_->steps() + 1;
  report.learning_rate = learning_rate;
  measure_gradient(report);
  bool const is_on_kept = probe_ && watched_.on_kept_batch;
  bool const turns_to_update = is_on_kept && before_ && optimizer_->steps() % 2 == 1;
  if (is_on_kept) measure_sharpness(report, turns_to_update);
  cap_learning_rate(report);
  if (turns_to_update) {
    linalg::copy(context, objective_->parameters().own(), before_->own());
    before_->changed();
  }
  if (probe_) probe_->before_update();
  report.skipped = !update(report);
  report_max_logit_and_clip(report);
  if (turns_to_update && !report.skipped) watch_update(report);
  if (probe_ && !is_on_kept) measure_sharpness(report, false);
  if (report.sharpness) note_ratios(report);
  // The signals waited for all that came before them.
  if (probe_ || report.clipped_heads > 0) context.fence("kyrtos::Trainer::step");
  return report;
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::note_ratios(StepReport& report) {
  auto const& sharpness = *report.sharpness;
  threshold_ratio_ = sharpness.threshold_ratio;
  bool const is_eigenvalue = watched_.method != CurvatureOptions::Method::critical;
  auto const threshold = optimizer_->small_batch_threshold();
  if (threshold && sharpness.lambda && is_eigenvalue)
    report.small_batch_ratio = threshold->ratio(*sharpness.lambda, report.learning_rate);
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::measure_gradient(StepReport& report) {
  objective_->forget_scores();
  report.loss = objective_->gradient(gradient_);
  report.gradient_norm = linalg::norm(
      objective_->context(), DistributedView<Scalar, Space>(gradient_, objective_->partition()));
  if (!std::isfinite(report.loss) || !std::isfinite(report.gradient_norm))
    throw NumericalError(
        fmt::format("loss {}, gradient norm {}: not finite; lower the learning "
                    "rate, lengthen its warm-up, or clip the gradient",
                    report.loss, report.gradient_norm));
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::cap_learning_rate(StepReport& report) const {
  if (options_.sharpness_cap <= 0 || !stable_rate_) return;
  double const highest = options_.sharpness_cap * *stable_rate_;
  if (report.learning_rate <= highest) return;
  auto& sharpness = report.sharpness;
  if (sharpness && sharpness->threshold_ratio) {
    *sharpness->threshold_ratio *= highest / report.learning_rate;
    sharpness->stability = curvature::classify(sharpness->threshold_ratio);
  }
  report.learning_rate = highest;
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::measure_sharpness(StepReport& report, bool repeats) {
  report.sharpness =
      repeats ? probe_->repeat(report.learning_rate) : probe_->measure(report.learning_rate);
  auto const& ratio = report.sharpness->threshold_ratio;
  if (ratio && *ratio > 0) stable_rate_ = report.learning_rate / *ratio;
  if (report.sharpness->measured) report.mass = probe_->mass_by_part();
  report.part_lambda = probe_->part_sharpness(report.step - 1);
  if (watched_.reference_every > 0 && report.step % watched_.reference_every == 0)
    report.lambda_reference = probe_->reference(report.step);
  if (check_ && check_->is_due(report.step)) check_sharpness(report);
}

/// Last, as it overwrites the tracker's image.
template <class Scalar, class Space>
void Trainer<Scalar, Space>::check_sharpness(StepReport& report) {
  report.check = check_->measure();
  if (report.check) report.sharpness->hvps += check_->products();
}

/// What the loss of the kept micro-batch does along the update: one product, and one loss.
template <class Scalar, class Space>
void Trainer<Scalar, Space>::watch_update(StepReport& report) {
  auto const& context = objective_->context();
  DistributedView<Scalar, Space> const step(step_, objective_->partition());
  linalg::copy(context, objective_->parameters().own(), step);
  linalg::axpy(context, -1, before_->own(), step);
  // The gradient has done its work, and its memory takes the product.
  auto const along = objective_->kept_hvp(step_, gradient_, &*before_);
  report.update = UpdateReport{.slope = along.derivative,
                               .curvature = linalg::dot(context, step, gradient_),
                               .actual = objective_->kept_loss() - along.loss};
}

/// Clips and updates, unless the step is an outlier that shall be left out. \return whether it
/// was taken.
template <class Scalar, class Space>
bool Trainer<Scalar, Space>::update(StepReport& report) {
  report.loss_z = loss_outliers_.score(report.loss);
  report.gradient_z = gradient_outliers_.score(report.gradient_norm);
  if (options_.skip_z_score > 0 &&
      std::max(report.loss_z, report.gradient_z) > options_.skip_z_score)
    return false;
  bool const clips = options_.clip_norm > 0 && report.gradient_norm > options_.clip_norm;
  double const scale = clips ? options_.clip_norm / report.gradient_norm : 1;
  auto& theta = objective_->parameters();
  if (line_ && report.learning_rate > 0)
    report.learning_rate = update_along_line(report.learning_rate, scale);
  else
    optimizer_->update(objective_->context(), theta.own().local(), gradient_, report.learning_rate,
                       scale);
  theta.changed();
  bool const by_tensor =
      options_.tensors_every > 0 && (report.step - 1) % options_.tensors_every == 0;
  signals_.report(gradient_, scale, report.learning_rate, by_tensor, report);
  return true;
}

/// The optimiser's step, shortened where the curvature along it asks for a rate below `ceiling`.
/// \return the rate.
template <class Scalar, class Space>
double Trainer<Scalar, Space>::update_along_line(double ceiling, double gradient_scale) {
  line_->begin();
  optimizer_->update(objective_->context(), objective_->parameters().own().local(), gradient_,
                     ceiling, gradient_scale);
  auto const [slope, curvature] = line_->measure(gradient_, objective_->batches());
  double const rate =
      std::min(ceiling, cdat_.rate(-slope / ceiling, curvature / (ceiling * ceiling)));
  if (rate < ceiling) line_->move(rate / ceiling);
  return rate;
}

/// The largest attention score that the gradient's forward passes met, and what QK-Clip does to it.
template <class Scalar, class Space>
void Trainer<Scalar, Space>::report_max_logit_and_clip(StepReport& report) {
  auto const& context = objective_->context();
  auto const scores = objective_->largest_scores();
  if (scores.empty()) return;
  report.largest_logit = *std::max_element(scores.begin(), scores.end());
  if (options_.qk_clip <= 0 || report.skipped) return;
  auto& theta = objective_->parameters();
  report.clipped_heads = clip_attention_scores<Scalar, Space>(context, objective_->model(), scores,
                                                              options_.qk_clip, theta.own());
  if (report.clipped_heads > 0) theta.changed();
}

template <class Scalar, class Space>
TrainerState Trainer<Scalar, Space>::state() const {
  TrainerState state;
  state.optimizer = optimizer_->name();
  state.optimizer_steps = optimizer_->steps();
  state.losses = loss_outliers_.values();
  state.gradient_norms = gradient_outliers_.values();
  if (probe_) state.probe = probe_->state();
  state.cdat = cdat_.state();
  state.threshold_ratio = threshold_ratio_;
  state.stable_rate = stable_rate_;
  return state;
}

template <class Scalar, class Space>
void Trainer<Scalar, Space>::restore(TrainerState const& state, bool keeps_vectors) {
  optimizer_->set_steps(state.optimizer_steps);
  loss_outliers_.restore(state.losses);
  gradient_outliers_.restore(state.gradient_norms);
  cdat_.restore(state.cdat);
  threshold_ratio_ = state.threshold_ratio;
  stable_rate_ = state.stable_rate;
  if (probe_) probe_->restore(keeps_vectors ? state.probe : ProbeState());
}

KYRTOS_INSTANTIATE(kyrtos::train::Trainer)

}  // namespace kyrtos::train
