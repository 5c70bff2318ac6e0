// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include <kyrtos/core/allocate.hpp>
#include <kyrtos/core/error.hpp>
#include <kyrtos/linalg/vector_operations.hpp>
#include <kyrtos/train/block_matrices.hpp>
#include <kyrtos/train/curvature_probe.hpp>

namespace kyrtos::train {

using curvature::StabilityThreshold;
using Method = CurvatureOptions::Method;

std::vector<curvature::AdamRange> adam_ranges(std::vector<optim::ParameterRange> const& moved,
                                              Index steps) {
  std::vector<curvature::AdamRange> ranges;
  for (auto const& [offset, size, decay, age] : moved) {
    Index const first = steps - age.first, second = steps - age.second;
    if (first < 1) continue;  // it has no moments yet
    if (!ranges.empty() && ranges.back().offset + ranges.back().size == offset &&
        ranges.back().first_steps == first && ranges.back().second_steps == second)
      ranges.back().size += size;
    else
      ranges.push_back({offset, size, first, second});
  }
  return ranges;
}

/// ℓ(θ − ηd) for the update d = (θ_before − θ)/η₀ that was made last, at parameters of its own.
template <class Scalar, class Space>
class CurvatureProbe<Scalar, Space>::TrialLoss {
 public:
  explicit TrialLoss(Objective& objective)
      : moved_(&objective.parameters()),
        context_(objective.context()),
        before_(allocate<Scalar>(context_, "curvature::theta_before",
                                 objective.partition().local_size())),
        trial_(
            context_, objective.partition(),
            objective.partition().is_split() ? parallel::Sharding::full : parallel::Sharding::none),
        objective_(&objective) {}

  void keep() { linalg::copy(context_, moved_->own(), before_); }

  double operator()(double step_size, double learning_rate) {
    double const share = step_size / learning_rate;
    linalg::copy(context_, before_, trial_.own());
    linalg::axpby(context_, share, moved_->own(), 1 - share, trial_.own());
    trial_.changed();
    return objective_->loss_at(trial_);
  }

 private:
  model::Parameters<Scalar, Space>* moved_;
  Context<Space> context_;
  Vector<Scalar, Space> before_;
  model::Parameters<Scalar, Space> trial_;
  Objective* objective_;
};

namespace {

template <class Scalar, class Space>
std::unique_ptr<curvature::LinearOperator<Scalar, Space>> make_matrix(
    model::Objective<Scalar, Space>& objective, CurvatureOptions const& options) {
  bool const is_gauss_newton = options.matrix == CurvatureOptions::Matrix::gauss_newton;
  if (options.on_kept_batch) {
    require<ConfigError>(!is_gauss_newton && options.method != Method::critical,
                         "curvature.probe = \"batch\": goes with the Hessian and with methods by "
                         "products; choose another curvature.matrix or curvature.method");
    return std::make_unique<model::KeptOperator<Scalar, Space>>(objective);
  }
  return std::make_unique<model::CurvatureOperator<Scalar, Space>>(
      objective,
      is_gauss_newton ? model::CurvatureMatrix::gauss_newton : model::CurvatureMatrix::hessian);
}

}  // namespace

template <class Scalar, class Space>
CurvatureProbe<Scalar, Space>::CurvatureProbe(Objective& objective, Optimizer const& optimizer,
                                              CurvatureOptions const& options,
                                              VectorView<Scalar, Space> image,
                                              Interruption const& interrupted)
    : objective_(&objective),
      optimizer_(&optimizer),
      options_(options),
      threshold_(optimizer.threshold()),
      matrix_(make_matrix(objective, options)),
      muon_(dynamic_cast<optim::Muon<Scalar, Space> const*>(&optimizer)),
      mass_(objective.partition(), objective.model().parts()) {
  Index const size = matrix_->size();
  if (auto const p = preconditioner_for(optimizer, options)) {
    threshold_ = StabilityThreshold::adam(p->beta1);
    if (options.method != Method::critical) preconditioner_.emplace(size, *p);
  }
  auto const& context = objective.context();
  switch (options.method) {
    case Method::tracker:
      if (options.matrix == CurvatureOptions::Matrix::spectral)
        build_spectral(image, interrupted);
      else
        build_tracker(image, interrupted);
      break;
    case Method::cold:
      cold_.emplace(context, size);
      if (preconditioner_) preconditioned_.emplace(context, *matrix_);
      break;
    case Method::critical:
      trial_loss_ = std::make_unique<TrialLoss>(objective);
      critical_.emplace(
          [this](double step_size) { return (*trial_loss_)(step_size, learning_rate_); });
      break;
  }
  if (options.parts && options.method != Method::critical)
    parts_.emplace(context, objective.partition(), objective.model().parts(), options.seed);
  if (options.reference_every > 0)
    lanczos_.emplace(context, size, std::min(options.reference_hvps, size));
  if ((parts_ || lanczos_) && preconditioner_ && !preconditioned_)
    preconditioned_.emplace(context, *matrix_);
}

template <class Scalar, class Space>
CurvatureProbe<Scalar, Space>::~CurvatureProbe() = default;

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::build_tracker(VectorView<Scalar, Space> image,
                                                  Interruption const& interrupted) {
  tracker_.emplace(objective_->context(), *matrix_, threshold_,
                   curvature::TrackerOptions{.block = static_cast<int>(options_.block),
                                             .every = options_.every,
                                             .min_hvps = options_.min_hvps,
                                             .max_hvps = options_.max_hvps,
                                             .cold_hvps = options_.cold_hvps,
                                             .target_residual = options_.target_residual,
                                             .seed = options_.seed,
                                             .interrupted = interrupted},
                   preconditioner(), image);
}

/// Over the balls of Muon's steps; with another optimiser, over those of radius 1.
template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::build_spectral(VectorView<Scalar, Space> image,
                                                   Interruption const& interrupted) {
  auto const& model = objective_->model();
  auto const matrices = muon_ ? muon_->matrices() : block_matrices(model.layout(), model.config());
  spectral_.emplace(objective_->context(), *matrix_, matrices,
                    muon_ ? muon_->scales() : std::vector<double>(matrices.size(), 1),
                    curvature::SpectralOptions{.every = options_.every,
                                               .min_hvps = options_.min_hvps,
                                               .max_hvps = options_.max_hvps,
                                               .cold_hvps = options_.cold_hvps,
                                               .target_residual = options_.target_residual,
                                               .seed = options_.seed,
                                               .interrupted = interrupted},
                    image);
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::set_active(model::ActiveBlocks const& active) {
  objective_->set_active(active);
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::before_update() {
  if (trial_loss_) trial_loss_->keep();
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::update_preconditioner() {
  auto const ranges = adam_ranges(optimizer_->ranges(), optimizer_->steps());
  lacks_second_moment_ = preconditioner_ && ranges.empty();
  if (!preconditioner_ || ranges.empty()) return;
  for (auto const& [name, values] : optimizer_->state())
    if (name == "v") preconditioner_->update(values, ranges);
}

template <class Scalar, class Space>
curvature::SharpnessReport CurvatureProbe<Scalar, Space>::measure(double learning_rate) {
  learning_rate_ = learning_rate;
  if (critical_) return critical_->update(learning_rate);
  update_preconditioner();
  return without_foreign_threshold(estimate(learning_rate));
}

template <class Scalar, class Space>
curvature::SharpnessReport CurvatureProbe<Scalar, Space>::estimate(double learning_rate) {
  if (cold_) return estimate_cold();
  if (tracker_) return tracker_->update(learning_rate);
  spectral_->set_slope(muon_ ? std::optional(muon_->slope(objective_->context())) : std::nullopt);
  return spectral_->update(learning_rate);
}

/// An eigenvalue says nothing of Muon's stability, nor one of the plain Hessian, which is what is
/// found before Adam's first update, of Adam's.
template <class Scalar, class Space>
curvature::SharpnessReport CurvatureProbe<Scalar, Space>::without_foreign_threshold(
    curvature::SharpnessReport report) const {
  bool const is_foreign = lacks_second_moment_ || (muon_ && !spectral_ && !critical_);
  if (!is_foreign) return report;
  report.threshold_ratio.reset();
  report.stability = curvature::Stability::unknown;
  return report;
}

template <class Scalar, class Space>
curvature::SharpnessReport CurvatureProbe<Scalar, Space>::repeat(double learning_rate) const {
  if (spectral_) return spectral_->repeat(learning_rate);
  auto report = tracker_ ? tracker_->state().last : curvature::SharpnessReport();
  report.measured = false;
  report.hvps = 0;
  if (report.lambda) report.threshold_ratio = threshold_.ratio(*report.lambda, learning_rate);
  report.stability = curvature::classify(report.threshold_ratio);
  return without_foreign_threshold(report);
}

template <class Scalar, class Space>
curvature::LinearOperator<Scalar, Space>& CurvatureProbe<Scalar, Space>::tracked_operator() {
  if (!preconditioner_) return *matrix_;
  auto const& context = objective_->context();
  if (!preconditioned_) preconditioned_.emplace(context, *matrix_);
  preconditioned_->set(context, *preconditioner_);
  return *preconditioned_;
}

/// What an estimate without memory costs to be as good: what warm starts are measured against.
template <class Scalar, class Space>
curvature::SharpnessReport CurvatureProbe<Scalar, Space>::estimate_cold() {
  Index const step = optimizer_->steps();
  curvature::SharpnessReport report;
  report.measured = (step - 1) % options_.every == 0;
  if (!report.measured) return report;
  report.hvps = options_.max_hvps;
  try {
    auto const found = cold_->solve(tracked_operator(),
                                    {.target = curvature::Spectrum::largest_algebraic,
                                     .tolerance = options_.target_residual,
                                     .max_hvps = options_.max_hvps,
                                     .shift = 0.0,
                                     .seed = options_.seed + static_cast<std::uint64_t>(step)});
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
NamedNumbers CurvatureProbe<Scalar, Space>::part_sharpness(Index turn) {
  if (!parts_) return {};
  update_preconditioner();
  auto const part = static_cast<std::size_t>(turn) % parts_->parts();
  double const lambda = parts_->update(objective_->context(), tracked_operator(), part);
  return {{objective_->model().part_names()[part], lambda}};
}

template <class Scalar, class Space>
VectorView<Scalar, Space> CurvatureProbe<Scalar, Space>::part_vectors() const {
  return parts_ ? parts_->vectors() : VectorView<Scalar, Space>();
}

template <class Scalar, class Space>
std::optional<double> CurvatureProbe<Scalar, Space>::reference(Index step) {
  update_preconditioner();
  try {
    auto const found = lanczos_->solve(
        tracked_operator(), {.tolerance = 1e-3,
                             .max_hvps = std::min(options_.reference_hvps, matrix_->size()),
                             .seed = options_.seed + static_cast<std::uint64_t>(step)});
    if (found.converged) return found.largest.front().value;
  } catch (NumericalError const&) {
  }
  return std::nullopt;
}

namespace {

/// uᵢ² of element i of u = P^(1/2) x.
template <class Scalar>
struct SquaredLength {
  Scalar const *x, *v;  ///< Without v, P = I.
  Scalar scale, moment_scale, epsilon;

  KOKKOS_INLINE_FUNCTION linalg::Terms<1> operator()(Index i) const {
    double const value = x[i];
    double const p = v == nullptr ? 1 : scale * (math::sqrt(v[i] * moment_scale) + epsilon);
    return {{p * value * value}};
  }
  friend bool operator==(SquaredLength const&, SquaredLength const&) = default;
};

}  // namespace

template <class Scalar, class Space>
NamedNumbers CurvatureProbe<Scalar, Space>::mass_by_part() {
  if (!tracker_ || !tracker_->state().has_vectors) return {};
  auto const x = flat(rows_of(tracker_->vectors(), 0, 1));
  using Element = curvature::PreconditionerElement<Scalar, Space>;
  std::vector<ParameterLayout::Range> ranges;
  std::vector<SquaredLength<Scalar>> terms;
  auto const add = [&](Index offset, Index size, Element const& p) {
    ranges.push_back({offset, size});
    terms.push_back({x.data(), p.v.data() == nullptr ? nullptr : p.v.data() - offset, p.scale,
                     p.moment_scale, p.epsilon});
  };
  if (preconditioner_)
    preconditioner_->for_each_range(add);
  else
    add(0, matrix_->size(), {{}, 1, 1, 0});
  auto const sums = mass_.template sum<1>(objective_->context(), "kyrtos::curvature::mass_by_part",
                                          ranges, terms);
  double total = 0;
  for (auto const& one : sums) total += one[0];
  auto const names = objective_->model().part_names();
  NamedNumbers shares;
  for (std::size_t i = 0; i < sums.size(); ++i)
    shares.emplace_back(names[i], total > 0 ? sums[i][0] / total : 0);
  return shares;
}

template <class Scalar, class Space>
MatrixView<Scalar, Space> CurvatureProbe<Scalar, Space>::vectors() const {
  if (spectral_) return spectral_->vectors();
  return tracker_ ? tracker_->vectors() : MatrixView<Scalar, Space>();
}

template <class Scalar, class Space>
VectorView<Scalar const, Space> CurvatureProbe<Scalar, Space>::direction() {
  update_preconditioner();
  return flat(rows_of(vectors(), 0, 1));
}

template <class Scalar, class Space>
VectorView<Scalar, Space> CurvatureProbe<Scalar, Space>::image() const {
  return tracker_ ? tracker_->image() : spectral_->image();
}

template <class Scalar, class Space>
ProbeState CurvatureProbe<Scalar, Space>::state() const {
  ProbeState state;
  if (tracker_) state.tracker = tracker_->state();
  if (spectral_) state.tracker = spectral_->state();
  if (critical_) state.critical_step_size = critical_->last_step_size();
  return state;
}

template <class Scalar, class Space>
void CurvatureProbe<Scalar, Space>::restore(ProbeState const& state) {
  if (tracker_) tracker_->restore(state.tracker);
  if (spectral_) spectral_->restore(state.tracker);
  if (critical_) critical_->restore(state.critical_step_size);
  update_preconditioner();
}

KYRTOS_INSTANTIATE(kyrtos::train::CurvatureProbe)

}  // namespace kyrtos::train
