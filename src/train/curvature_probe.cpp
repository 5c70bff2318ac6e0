// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/curvature_probe.hpp>

namespace kyrtos {

using curvature::AdamPreconditionerKind;
using curvature::StabilityThreshold;

bool has_preconditioner(OptimizerConfig const& optimizer, CurvatureConfig const& config) {
  return config.matrix == CurvatureConfig::Matrix::preconditioned &&
         optimizer.kind == OptimizerConfig::Kind::adamw;
}

curvature::AdamPreconditionerOptions preconditioner_options(OptimizerConfig const& optimizer,
                                                            CurvatureConfig const& config) {
  bool const plain = config.preconditioner == CurvatureConfig::Preconditioner::plain;
  return {plain ? AdamPreconditionerKind::plain : AdamPreconditionerKind::bias_corrected,
          optimizer.adamw.beta1, optimizer.adamw.beta2, optimizer.adamw.epsilon};
}

StabilityThreshold stability_threshold(OptimizerConfig const& optimizer,
                                       CurvatureConfig const& config) {
  if (has_preconditioner(optimizer, config)) return StabilityThreshold::adam(optimizer.adamw.beta1);
  return optimizer.kind == OptimizerConfig::Kind::sgd ? StabilityThreshold::sgd(optimizer.momentum)
                                                      : StabilityThreshold::sgd();
}

std::vector<curvature::AdamStretch> adam_stretches(std::vector<optim::ParameterRange> const& ranges,
                                                   Index steps) {
  std::vector<curvature::AdamStretch> stretches;
  for (auto const& [offset, size, decay, age] : ranges) {
    Index const first = steps - age.first, second = steps - age.second;
    if (first < 1) continue;  // it has no moments yet
    if (!stretches.empty() && stretches.back().offset + stretches.back().size == offset &&
        stretches.back().first_steps == first && stretches.back().second_steps == second)
      stretches.back().size += size;
    else
      stretches.push_back({offset, size, first, second});
  }
  return stretches;
}

template <class Scalar, class Space>
CurvatureProbe<Scalar, Space>::CurvatureProbe(
    Context<Space> const& context, Transformer<Scalar, Space> const& model,
    ParameterAccess<Scalar, Space> theta, OptimizerConfig const& optimizer,
    CurvatureConfig const& config, SequenceShape shape, std::vector<Batch> batches,
    ActiveBlocks const& active, std::uint64_t seed, ReductionOptions const& reduction,
    VectorView<Scalar, Space> image, Interruption const& interrupted)
    : context_(context),
      model_(&model),
      theta_(theta),
      batches_(std::move(batches)),
      shape_(shape),
      threshold_(stability_threshold(optimizer, config)),
      config_(config),
      seed_(seed) {
  using Method = CurvatureConfig::Method;
  bool const by_products = config.method != Method::critical;
  workspace_.emplace(context, model, shape,
                     TransformerWorkspaceOptions{.active = active, .tangents = by_products});
  if (by_products) build_matrix(optimizer, config, reduction);
  if (config.method == Method::tracker) build_tracker(config, seed, image, interrupted);
  if (config.method == Method::cold) cold_.emplace(context, matrix_->size());
  if (config.reference_every > 0)
    lanczos_.emplace(context, matrix_->size(), std::min(config.reference_hvps, matrix_->size()));
  if (config.method == Method::critical) {
    critical_.emplace([this](double step_size) { return loss_along_update(step_size); });
    auto const size = static_cast<Index>(theta.own.size());
    theta_before_ = allocate<Scalar>(context, "curvature::theta_before", size);
    trial_.emplace(context, size,
                   context.shards() ? ParallelConfig::Shard::full : ParallelConfig::Shard::none);
  }
}

template <class Scalar, class Space>
CurvatureProbe<Scalar, Space>::~CurvatureProbe() = default;

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::build_matrix(OptimizerConfig const& optimizer,
                                                 CurvatureConfig const& config,
                                                 ReductionOptions const& reduction) {
  using curvature::ModelMatrix;
  bool const gauss_newton = config.matrix == CurvatureConfig::Matrix::gauss_newton;
  matrix_.emplace(context_, gauss_newton ? ModelMatrix::gauss_newton : ModelMatrix::hessian,
                  *model_, *workspace_, theta_.source, batches_, reduction);
  if (has_preconditioner(optimizer, config))
    preconditioner_.emplace(matrix_->size(), preconditioner_options(optimizer, config));
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::build_tracker(CurvatureConfig const& config, std::uint64_t seed,
                                                  VectorView<Scalar, Space> image,
                                                  Interruption const& interrupted) {
  tracker_.emplace(context_, *matrix_, threshold_,
                   curvature::TrackerOptions{.block = static_cast<int>(config.block),
                                             .every = config.every,
                                             .min_hvps = config.min_hvps,
                                             .max_hvps = config.max_hvps,
                                             .cold_hvps = config.cold_hvps,
                                             .target_residual = config.target_residual,
                                             .seed = seed,
                                             .interrupted = interrupted},
                   preconditioner(), image);
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::set_batches(std::vector<Batch> batches) {
  batches_ = batches;
  if (matrix_) matrix_->set_batches(std::move(batches));
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::set_active(ActiveBlocks const& active) {
  auto options = workspace_->options();
  options.active = active;
  workspace_.reset();  // give back first
  workspace_.emplace(context_, *model_, shape_, options);
  if (matrix_) matrix_->set_workspace(*workspace_);
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::before_update() {
  if (critical_) linalg::copy(context_, theta_.own, theta_before_);
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::update_preconditioner(
    optim::Optimizer<Scalar, Space> const& optimizer) {
  auto const stretches = adam_stretches(optimizer.ranges(), optimizer.steps());
  if (!preconditioner_ || stretches.empty()) return;
  for (auto const& [name, values] : optimizer.state())
    if (name == "v") preconditioner_->update(values, stretches);
}

template <class Scalar, class Space>
curvature::SharpnessReport CurvatureProbe<Scalar, Space>::after_update(
    optim::Optimizer<Scalar, Space> const& optimizer, double learning_rate) {
  learning_rate_ = learning_rate;
  if (critical_) return critical_->update(learning_rate);
  update_preconditioner(optimizer);
  return cold_ ? start_cold(optimizer.steps()) : tracker_->update(learning_rate);
}

/// What an estimate without memory costs to be as good: what warm starts are measured against.
template <class Scalar, class Space>
curvature::SharpnessReport CurvatureProbe<Scalar, Space>::start_cold(Index step) {
  curvature::SharpnessReport report;
  report.measured = (step - 1) % config_.every == 0;
  if (!report.measured) return report;
  report.hvps = config_.max_hvps;
  try {
    SymmetricMatrix matrix(*this);
    auto const found =
        cold_->solve(matrix.get(), {.target = curvature::Spectrum::largest_algebraic,
                                    .tolerance = config_.target_residual,
                                    .max_hvps = config_.max_hvps,
                                    .shift = 0.0,
                                    .seed = seed_ + static_cast<std::uint64_t>(step)});
    report.lambda = found.value;
    report.residual = found.residual;
    report.threshold_ratio = threshold_.ratio(found.value, learning_rate_);
    report.quality =
        found.converged ? curvature::Quality::converged : curvature::Quality::following;
    report.stability = curvature::classify(report.threshold_ratio);
    report.hvps = found.hvps;
  } catch (NumericalError const&) {  // a report without a number, as the trackers'
  }
  return report;
}

template <class Scalar, class Space>
std::optional<double> CurvatureProbe<Scalar, Space>::reference(Index step) {
  try {
    SymmetricMatrix matrix(*this);
    auto const found = lanczos_->solve(
        matrix.get(), {.tolerance = 1e-3,
                       .max_hvps = std::min(config_.reference_hvps, matrix_->size()),
                       .seed = seed_ + static_cast<std::uint64_t>(step)});
    if (found.converged) return found.largest.front().value;
  } catch (NumericalError const&) {
  }
  return std::nullopt;
}

/// ℓ(θ − ηd) for the update d = (θ_before − θ)/η₀ that was just made, on the whole probe.
template <class Scalar, class Space>
double CurvatureProbe<Scalar, Space>::loss_along_update(double step_size) {
  double const share = step_size / learning_rate_;
  linalg::copy(context_, theta_before_, trial_->own());
  linalg::axpby(context_, share, theta_.own, 1 - share, trial_->own());
  trial_->changed();
  double loss = 0;
  for (auto const& batch : batches_) loss += model_->loss(*workspace_, trial_->source(), batch);
  return context_.communicator().sum(loss);
}

template <class Scalar, class Space>
MatrixView<Scalar, Space> CurvatureProbe<Scalar, Space>::vectors() const {
  return tracker_ ? tracker_->vectors() : MatrixView<Scalar, Space>();
}

template <class Scalar, class Space>
ProbeState CurvatureProbe<Scalar, Space>::state() const {
  ProbeState state;
  if (tracker_) state.tracker = tracker_->state();
  if (critical_) state.critical_step_size = critical_->last_step_size();
  return state;
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::restore(ProbeState const& state,
                                            optim::Optimizer<Scalar, Space> const& optimizer) {
  if (tracker_) tracker_->restore(state.tracker);
  if (critical_) critical_->restore(state.critical_step_size);
  update_preconditioner(optimizer);
}

template <class Scalar, class Space>
double CurvatureProbe<Scalar, Space>::product_flops() const {
  double const forward = model_->forward_flops(shape_, workspace_->options().active) *
                         static_cast<double>(batches_.size());
  return critical_ ? forward : 8 * forward;
}

KYRTOS_INSTANTIATE(kyrtos::CurvatureProbe)

}  // namespace kyrtos
