// SPDX-FileCopyrightText: 2026 Kyrtos contributors
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "training.hpp"

#include <kyrtos/io/checkpoint.hpp>
#include <kyrtos/linalg/vector_operations.hpp>

#include "spectrum.hpp"

#include <cmath>
#include <fmt/format.h>

namespace kyrtos::c {

namespace {

/// That of a training that begins: every block that takes part does so from the first step on.
template <class Scalar>
TrainerState first_state(Model<Scalar> const& model) {
  TrainerState state;
  for (bool const takes_part : model.active)
    state.growth.births.push_back(takes_part ? std::optional(growth::BlockBirth()) : std::nullopt);
  return state;
}

}  // namespace

template <class Scalar>
Training<Scalar>::Training(std::shared_ptr<Model<Scalar>> model)
    : model_(std::move(model)),
      state_(first_state(*model_)),
      gradient_(allocate<Scalar>(model_->context, "gradient", model_->size())),
      optimizer_(model_->context, model_->size(),
                 growth::ranges_of(model_->layout(), state_.growth.births),
                 model_->config.optimizer.adamw) {
  require<ConfigError>(model_->config.optimizer.kind == OptimizerConfig::Kind::adamw,
                       "optimizer.name: batches that are handed over train with \"adamw\" only");
  model_->rely_on_home();
}

template <class Scalar>
void Training<Scalar>::watch(std::span<kyrtos_batch const> probe) {
  auto const& m = *model_;
  probe_.reset();
  watched_.emplace(m.context, m.config.model, Use::copy);
  watched_->add(probe);
  agreed(m.context.communicator(), [&] {
    require<ShapeError>(!watched_->all().empty(), "the probe needs a sequence on every rank");
  });
  auto const& batches = watched_->all();
  probe_.emplace(m.context, m.transformer, m.theta, m.config.optimizer, m.config.curvature,
                 batches.front().shape, batches, m.active);
}

template <class Scalar>
kyrtos_step Training<Scalar>::step(std::span<kyrtos_batch const> handed_over,
                                   double learning_rate) {
  auto& m = *model_;
  Batches<Scalar> batches(m.context, m.config.model);
  batches.add(handed_over);
  linalg::fill(m.context, gradient_, 0);
  double const loss = m.gradient(batches, gradient_);
  double const norm = linalg::norm(m.context, gradient_);
  if (!std::isfinite(loss) || !std::isfinite(norm))
    throw NumericalError(fmt::format(
        "step {}: loss {}, gradient norm {}: not finite; lower the learning rate or clip more",
        optimizer_.steps() + 1, loss, norm));
  double const limit = m.config.training.clip_norm;
  if (probe_) probe_->before_update();
  optimizer_.update(m.context, m.theta, gradient_, learning_rate,
                    limit > 0 && norm > limit ? limit / norm : 1);
  kyrtos_step report{.step = optimizer_.steps(),
                     .loss = loss,
                     .gradient_norm = norm,
                     .sharpness = sharpness_of({})};
  if (probe_) report.sharpness = sharpness_of(probe_->after_update(optimizer_, learning_rate));
  m.context.fence("kyrtos_trainer_step");
  return report;
}

/// As Trainer's, so that either goes on from the other's checkpoints.
template <class Scalar>
std::string Training<Scalar>::state() const {
  TrainerState state = state_;
  state.step = state.optimizer_steps = optimizer_.steps();
  state.optimizer = optimizer_.name();
  if (probe_) state.probe = probe_->state();
  return to_json(state);
}

template <class Scalar>
void Training<Scalar>::save(std::string const& path) const {
  io::write_checkpoint<Scalar, Space>(
      model_->context, path, {to_toml(model_->config), state()}, model_->layout(),
      vectors_to_save<Scalar, Space>(model_->theta, optimizer_, probe_ ? &*probe_ : nullptr));
}

template <class Scalar>
void Training<Scalar>::restore(std::string const& path) {
  auto const& context = model_->context;
  io::CheckpointReader const file(context.communicator(), path);
  auto state = trainer_state_from_json(file.text().state, path);
  require_optimizer(state, optimizer_.name(), path);
  require<FileError>(state.growth.active() == model_->active,
                     path +
                         ": other blocks take part in it than in the model; make one of the "
                         "file, and a trainer of that");
  bool const is_warm = read_saved_vectors(
      context, file, model_->layout(),
      saved_vectors<Scalar, Space>(model_->theta, optimizer_, probe_ ? &*probe_ : nullptr));
  state_ = std::move(state);
  optimizer_.set_steps(state_.optimizer_steps);
  optimizer_.set_ranges(growth::ranges_of(model_->layout(), state_.growth.births));
  if (probe_) probe_->restore(is_warm ? state_.probe : ProbeState(), optimizer_);
}

template class Training<float>;
template class Training<double>;

}  // namespace kyrtos::c
