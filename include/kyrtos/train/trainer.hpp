// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#pragma once

#include <kyrtos/model/objective.hpp>
#include <kyrtos/optim/cdat.hpp>
#include <kyrtos/optim/outlier_detector.hpp>
#include <kyrtos/train/curvature_check.hpp>
#include <kyrtos/train/curvature_probe.hpp>
#include <kyrtos/train/line_model.hpp>
#include <kyrtos/train/step_report.hpp>
#include <kyrtos/train/update_signals.hpp>

#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace kyrtos::train {

struct TrainerOptions {
  double clip_norm = 1;     ///< The gradient's norm is cut to it; 0: no clipping.
  double skip_z_score = 0;  ///< Leave out updates whose loss or gradient norm exceeds it; 0: none.
  Index z_score_window = 128;
  double qk_clip = 0;            ///< Bound of attention scores (train/qk_clip.hpp); 0: none.
  optim::CdatOptions cdat = {};  ///< Learning rates from the curvature along the update.
  /// Largest λη over its threshold that a step may have: learning rates are lowered to it. Takes λ
  /// of the step itself where that is measured before the update (watch_kept()), of the last
  /// measurement else. 0: no bound.
  double sharpness_cap = 0;
  Index tensors_every = 0;  ///< Steps between reports of each tensor's norms; 0: never.
  /// Cuts measurements short where it says true.
  Interruption interrupted = never_interrupted;
};

/// What a trainer needs for a restart, beside its vectors.
struct TrainerState {
  std::string optimizer;  ///< Its name.
  Index optimizer_steps = 0;
  std::deque<double> losses, gradient_norms;  ///< Of the steps that z-scores compare with.
  ProbeState probe;
  optim::Cdat::State cdat = {};
  std::optional<double> threshold_ratio;  ///< Of the last step.
  std::optional<double> stable_rate;      ///< Where λη was at its threshold, by the last λ.
};

/// Trains a model step by step, on batches and at learning rates that the caller has: gradient,
/// clipping, the optimiser's update, and the sharpness after it.
///
///     Trainer trainer(objective, optimizer);
///     trainer.watch(probe_batches);
///     for (…) report = trainer.step(batches, learning_rate);
///
/// Vectors of the parameters' length: θ, the optimiser's (Adam's two), the tracker's, and one that
/// is the gradient first and the product with the Hessian afterwards. Every function is collective.
template <class Scalar, class Space = Kokkos::DefaultExecutionSpace>
class Trainer {
 public:
  using Objective = model::Objective<Scalar, Space>;
  using Optimizer = optim::Optimizer<Scalar, Space>;
  using Batch = kyrtos::Batch<Scalar, Space>;

  /// Moves the objective's parameters. Objective and optimiser must outlive the trainer.
  Trainer(Objective& objective, Optimizer& optimizer, TrainerOptions options = {});
  ~Trainer();
  Trainer(Trainer const&) = delete;

  /// From now on steps report the sharpness of the loss on these micro-batches of this rank, views
  /// whose data stay the caller's. \param shape of them, where this rank has none.
  /// \param context of the measurement, such as one with rounded factors; none: the objective's.
  /// \throws ConfigError for options that contradict each other.
  void watch(std::vector<Batch> probe, CurvatureOptions const& options = {},
             SequenceShape shape = {}, std::optional<Context<Space>> const& context = {});

  /// From now on steps report the sharpness of the loss on the micro-batch that is kept: on the
  /// step's own batch, before its update. Two vectors more than watch(), and two more with
  /// `along_update`.
  void watch_kept(CurvatureOptions options);

  /// From now on steps also check λ on sequences that the probe does not have, as often as the
  /// options say that it is watched with: after watch() or watch_kept(), which end it.
  /// \param shape of the source's micro-batches. \throws ConfigError as CurvatureCheck.
  void check(typename CurvatureCheck<Scalar, Space>::Source source, SequenceShape shape);

  /// One step on this rank's micro-batches, the kept one included. \throws NumericalError, before
  /// anything has changed, when the loss or the gradient is not finite.
  StepReport step(std::vector<Batch> batches, double learning_rate,
                  std::optional<model::KeptBatch<Scalar, Space>> const& kept = {});

  /// Other blocks take part in all that follows.
  void set_active(model::ActiveBlocks const& active);

  Objective& objective() { return *objective_; }
  /// Null unless the sharpness is watched.
  CurvatureProbe<Scalar, Space>* probe() { return probe_ ? &*probe_ : nullptr; }
  CurvatureProbe<Scalar, Space> const* probe() const { return probe_ ? &*probe_ : nullptr; }
  Optimizer& optimizer() { return *optimizer_; }
  std::optional<double> threshold_ratio() const { return threshold_ratio_; }

  TrainerState state() const;
  /// \param keeps_vectors false: the probe's vectors were not restored, and it starts cold.
  void restore(TrainerState const& state, bool keeps_vectors);

 private:
  void check_gradient(StepReport& report);
  void note_ratios(StepReport& report);
  void measure_sharpness(StepReport& report, bool repeats);
  void check_sharpness(StepReport& report);
  void cap_learning_rate(StepReport& report) const;
  bool update(StepReport& report);
  void watch_update(StepReport& report);
  double update_along_line(double ceiling, double gradient_scale);
  void report_max_logit_and_clip(StepReport& report);

  Objective* objective_;
  Optimizer* optimizer_;
  TrainerOptions options_;
  Vector<Scalar, Space> gradient_;
  std::optional<Objective> probe_objective_;
  std::optional<CurvatureProbe<Scalar, Space>> probe_;
  CurvatureOptions watched_;
  std::optional<CurvatureCheck<Scalar, Space>> check_;
  std::optional<model::Parameters<Scalar, Space>> before_;  // θ before the update, and
  Vector<Scalar, Space> step_;                              // the update; with along_update
  UpdateSignals<Scalar, Space> signals_;
  optim::OutlierDetector loss_outliers_, gradient_outliers_;
  optim::Cdat cdat_;
  std::optional<LineModel<Scalar, Space>> line_;  // with cdat only
  std::optional<double> threshold_ratio_;         // of the step before
  std::optional<double> stable_rate_;
};

}  // namespace kyrtos::train
